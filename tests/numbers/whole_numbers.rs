//! Sites that hold whole numbers, token ids and chosen experts: they name something, so nobody calculates with them.

use crate::reference::{difference, open};
use candle_core::{DType, Device, Tensor};
use glassbox::prelude::*;

const IDS: [u32; 5] = [5, 0, 3, 1, 9];

#[test]
fn ids_and_chosen_experts_have_no_mean_no_multiple_and_no_direction() -> Result<()> {
    let model = open("families/mixtral");
    let direction = |width: usize| Tensor::ones(width, DType::F32, &Device::Cpu);
    for (name, width) in [("hook_tokens", IDS.len()), ("blocks.0.mlp.hook_expert_indices", 2)] {
        let site: Site = name.parse()?;
        let factors = [0.5, 2.7, -1.0, f64::NAN, f64::INFINITY, 1e300].map(|factor| scale(site, factor));
        for edit in factors.into_iter().chain([mean(site), ablate_direction(site, &direction(width)?)?]) {
            let said = model.run_with(IDS, [edit]).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains("integer"), "{said}");
        }
        for dtype in [DType::F32, DType::F64, DType::U8, DType::I64] {
            let value = Tensor::zeros((), dtype, &Device::Cpu)?;
            for edit in [replace(site, value.clone()), add(site, value.clone())] {
                let said = model.run_with(IDS, [edit]).unwrap_err().to_string();
                assert!(said.contains(name) && said.contains(dtype.as_str()) && said.contains("u32"), "{said}");
            }
        }
    }
    Ok(())
}

#[test]
fn ids_that_are_added_to_are_those_of_another_text_or_out_of_range() -> Result<()> {
    let model = open("families/mixtral");
    let with = |number: u32| model.run_with(IDS, [add(Site::tokens(), Tensor::new(number, &Device::Cpu)?)]);
    assert_eq!(difference(&with(2)?.logits()?, &model.run(IDS.map(|id| id + 2))?.logits()?), 0.0);
    for beyond in [u32::MAX, u32::MAX - 3] {
        let said = with(beyond).unwrap_err().to_string();
        assert!(said.contains("token id 429496729") && said.contains("out of range"), "{said}");
    }
    Ok(())
}

#[test]
fn a_value_for_an_expert_has_the_type_of_its_site_before_anything_runs() {
    let model = open("families/mixtral");
    let value = Tensor::zeros((), DType::F64, &Device::Cpu).unwrap();
    for expert in 0..4 {
        let site = format!("blocks.0.mlp.experts.{expert}.hook_post");
        let said = model.run_with(IDS, [add(site.as_str(), value.clone())]).err().unwrap().to_string();
        assert!(said.contains(&site) && said.contains("f64"), "{said}");
    }
}
