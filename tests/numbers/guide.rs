//! The search of the docs finds what TransformerLens, nnsight and SAELens call a thing.

use std::{fs, path::Path};

const NAMES: &str = "
HookedTransformer from_pretrained run_with_cache run_with_hooks add_hook reset_hooks fwd_hooks bwd_hooks names_filter
stop_at_layer to_tokens to_str_tokens to_single_token to_single_str_token get_token_position test_prompt loss_per_token
cfg generate past_kv_cache HookPoint get_act_name ActivationCache accumulated_resid decompose_resid stack_head_results
stack_neuron_results get_full_resid_decomposition logit_attrs apply_ln_to_stack stack_activation W_E W_pos W_U W_Q W_K
W_V W_O W_in W_out b_Q b_U tokens_to_residual_directions accumulated_bias all_head_labels FactoredMatrix QK OV
all_composition_scores SVDInterpreter svd_interpreter head_detector detect_head fold_layer_norm center_unembed
get_act_patch_resid_pre get_act_patch_resid_mid get_act_patch_attn_out get_act_patch_mlp_out
get_act_patch_attn_head_out_all_pos get_act_patch_attn_head_q_by_pos get_act_patch_attn_head_pattern_dest_src_pos
get_act_patch_attn_head_all_pos_every get_act_patch_block_every generic_activation_patch patching_hook
generate_repeated_tokens get_logit_diff EAP path_patching LanguageModel NNsight trace state_dict imshow
";

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            None if path.is_dir() => sources(&path, all),
            Some(ending) if ending == "rs" => *all += &fs::read_to_string(&path).unwrap(),
            _ => {}
        }
    }
}

#[test]
fn every_name_of_transformer_lens_leads_somewhere() {
    let mut all = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let aliases: Vec<&str> = all
        .split("#[doc(alias")
        .skip(1)
        .flat_map(|after| after.split(")]").next().unwrap_or("").split('"').skip(1).step_by(2))
        .collect();
    let missing: Vec<&str> = NAMES
        .split_whitespace()
        .filter(|name| {
            let own = ["fn", "struct", "enum"].iter().any(|kind| {
                all.contains(&format!("pub {kind} {name}("))
                    || all.contains(&format!("pub {kind} {name} "))
                    || all.contains(&format!("pub {kind} {name}<"))
            });
            !own && !aliases.contains(name)
        })
        .collect();
    assert!(missing.is_empty(), "no item has one of these names or aliases: {missing:?}");
}
