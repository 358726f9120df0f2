"""Two notebooks at the same time do not meet."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from session import Session


def squares(start):
    with Session() as kernel:
        kernel.check("use glassbox::candle_core::{Device, Tensor};")
        kernel.check(f"let x = Tensor::new({start}f32, &Device::Cpu)?;")
        return [float(kernel.check(f"(x.sqr()? + {step}.0)?.to_scalar::<f32>()?").text) for step in range(4)]


class TwoKernels(unittest.TestCase):
    def test_both_give_their_own_answers(self):
        with ThreadPoolExecutor() as pool:
            two, three = pool.map(squares, (2, 3))
        self.assertEqual(two, [4, 5, 6, 7])
        self.assertEqual(three, [9, 10, 11, 12])
