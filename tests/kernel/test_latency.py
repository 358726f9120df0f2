"""How long a reader waits. Printed, not asserted: the numbers are the machine's."""

import statistics
import time
import unittest

from session import Session


class Latency(unittest.TestCase):
    def test_a_new_kernel_reaches_its_first_figure(self):
        start = time.monotonic()
        with Session() as kernel:
            kernel.check('use glassbox::plot::Bars;\nBars::new([("Mary", 0.7), ("John", 0.2)]).draw()?')
            figure = time.monotonic() - start
            cells = [kernel.check(f"let x{n} = {n}i32 * {n};\nx{n}").seconds for n in range(8)]
        print(
            f"\n  kernel process {kernel.started_in:.1f} s, first cell {kernel.first.seconds:.1f} s, "
            f"start to first figure {figure:.1f} s, median of later cells {statistics.median(cells):.2f} s"
        )
