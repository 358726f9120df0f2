//! The table of families in the documentation is made from the code and from what the tests compare.

use crate::reference::folder;
use glassbox::{Model, hook::Site, model::families};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/families/families.md");

/// Sites that the families are told apart by; those that all have, and those of norms, are left out.
const TELLING: [&str; 22] = [
    "hook_mel",
    "hook_pos_embed",
    "embed.hook_token_type_embed",
    "embed.ln.hook_normalized",
    "attn.q_norm.hook_normalized",
    "attn.hook_rot_q",
    "attn.rel_pos_hook",
    "ln1_post.hook_normalized",
    "hook_cross_attn_out",
    "hook_resid_mid",
    "mlp.hook_pre",
    "mlp.hook_pre_linear",
    "mlp.hook_expert_weights",
    "hook_normalized_resid_post",
    "ln_final.hook_normalized",
    "encoder_final_ln.hook_normalized",
    "decoder_final_ln.hook_normalized",
    "pooler.hook_pooler_out",
    "nsp_head.hook_nsp_out",
    "mlm_head.ln.hook_normalized",
    "unembed.hook_out",
    "mlp.hook_mid",
];

/// Other names of an architecture, and the name it is tested under.
const ALIASES: [(&str, &str); 4] =
    [("camembert", "roberta"), ("gemma3", "gemma3_text"), ("mt5", "t5"), ("xlm-roberta", "roberta")];

#[derive(Default)]
struct Row {
    sites: BTreeSet<usize>,
    checkpoints: usize,
    transformer_lens: bool,
    hugging_face: bool,
}

/// Every folder with a checkpoint and expected values.
fn cases() -> Vec<PathBuf> {
    let inside = |at: PathBuf| fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = inside(folder("")).chain(inside(folder("families"))).collect();
    cases.retain(|at| at.join("model.safetensors").exists() && at.join("expected.safetensors").exists());
    cases.sort();
    cases
}

fn names_in(file: &Path) -> Vec<String> {
    candle_core::safetensors::load(file, &candle_core::Device::Cpu).unwrap().into_keys().collect()
}

fn short(site: &str) -> String {
    site.replace("hook_", "").replace("_normalized", "").replace(".normalized", "")
}

fn table() -> String {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for case in cases() {
        let model = Model::open(case.to_str().unwrap()).unwrap();
        let row = rows.entry(model.config().family.clone()).or_default();
        row.checkpoints += 1;
        for site in model.sites() {
            let name = site.to_string();
            let telling = TELLING.iter().position(|one| name == *one || name.ends_with(&format!(".{one}")));
            row.sites.extend(telling);
        }
        let names = names_in(&case.join("expected.safetensors"));
        row.hugging_face |= names.iter().any(|name| name.starts_with("hf."));
        let scores = |name: &String| name.ends_with("attn.hook_attn_scores") && name.parse::<Site>().is_ok();
        row.transformer_lens |= names.iter().any(scores) || case.join("expected_tl.safetensors").exists();
    }
    let mut table = String::from(
        "| family | checkpoints | compared with the reference, besides logits | hooks that not every family has |\n",
    );
    table += "|---|---|---|---|\n";
    let untested: Vec<_> = families().into_iter().filter(|family| !rows.contains_key(*family)).collect();
    assert_eq!(untested, ALIASES.map(|(name, _)| name), "families without a checkpoint in tests/reference");
    for family in families() {
        let Some(row) = rows.get(family) else {
            let (_, same) = ALIASES.iter().find(|(name, _)| *name == family).unwrap();
            table += &format!("| `{family}` | none of its own | read as `{same}` | |\n");
            continue;
        };
        let against = match (row.transformer_lens, row.hugging_face) {
            (true, _) => "every hook",
            (false, true) => "every hidden state, every attention pattern",
            (false, false) => panic!("nothing is known of `{family}`"),
        };
        let sites = row.sites.iter().map(|&at| format!("`{}`", short(TELLING[at]))).collect::<Vec<_>>().join(" ");
        table += &format!("| `{family}` | {} | {against} | {sites} |\n", row.checkpoints);
    }
    table
}

#[test]
fn the_table_of_families_is_what_the_code_and_the_tests_say() {
    let table = table();
    if std::env::var_os("GLASSBOX_REFRESH").is_some() {
        fs::write(WRITTEN, &table).unwrap();
    }
    let written = fs::read_to_string(WRITTEN).unwrap();
    assert!(written == table, "run this test with GLASSBOX_REFRESH=1 to write the table anew; it should be\n{table}");
}
