"""The library's statics exist once in a kernel, whichever cell uses them."""

import unittest

from session import Session

THREADS = r"""
std::fs::read_to_string("/proc/self/status").unwrap().lines()
    .find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().parse::<usize>().unwrap()
"""
PARALLEL_WORK = """
let a = Tensor::rand(-1f32, 1f32, (512, 512), &Device::Cpu)?;
let _ = a.matmul(&a)?.sum_all()?.to_scalar::<f32>()?;
"""


class Statics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Session.of(cls)
        cls.kernel.check("use glassbox::candle_core::{Device, Tensor, Var};")

    def test_tensors_made_in_different_cells_have_different_ids(self):
        for name in ("first", "second", "third"):
            self.kernel.check(f"let {name} = Tensor::new(1f32, &Device::Cpu)?;")
        ids = self.kernel.check('println!("{:?} {:?} {:?}", first.id(), second.id(), third.id());').stdout.split()
        self.assertEqual(len(set(ids)), 3, ids)

    def test_a_gradient_is_right_when_leaf_forward_and_backward_are_three_cells(self):
        self.kernel.check("let x = Var::new(3f32, &Device::Cpu)?;")
        self.kernel.check("let y = (x.sqr()? + (x.as_tensor() * 5.0)?)?;")
        self.kernel.check("let unrelated = (Tensor::new(7f32, &Device::Cpu)?.sqr()? * 2.0)?;")
        self.kernel.check("let gradients = y.backward()?;")
        slope = self.kernel.check('println!("{}", gradients.get(&x).unwrap().to_scalar::<f32>()?);').stdout
        self.assertEqual(float(slope), 2 * 3 + 5)

    def test_threads_do_not_grow_with_the_cells_that_work_in_parallel(self):
        self.kernel.check(PARALLEL_WORK)
        counts = [int(self.kernel.check(PARALLEL_WORK + THREADS).text) for _ in range(4)]
        self.assertEqual(len(set(counts)), 1, counts)
