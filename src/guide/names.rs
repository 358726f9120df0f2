//! Names in TransformerLens, nnsight and SAELens, each with the glassbox line that does the same.
//!
//! Every line is compiled and run.
//!
//! Hook names, shapes and values are TransformerLens's own, so a name such as `blocks.0.attn.hook_z` needs no
//! translation.
//!
//! # Models and texts
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let run = model.run(text)?;
//! Model::open("induction-2l")?;                      // HookedTransformer.from_pretrained_no_processing
//! Model::open("induction-2l")?.processed(Processing::default())?; // HookedTransformer.from_pretrained
//! model.config();                                    // model.cfg
//! model.run(text)?;                                  // model.run_with_cache(text)
//! model.forward(text)?;                              // model(text)
//! model.loss(text)?;                                 // model(text, return_type="loss")
//! run.loss_per_token()?;                             // model(text, return_type="loss", loss_per_token=True)
//! model.pass(text)?.record("blocks.*.hook_resid_post").run()?; // run_with_cache(text, names_filter=..)
//! model.pass(text)?.stop_at_layer(1).run()?;         // model(text, stop_at_layer=1)
//! model.tokens(text)?;                               // model.to_tokens(text)
//! model.to_tokens(text, false)?;                     // model.to_tokens(text, prepend_bos=False)
//! model.to_str_tokens(text)?;                        // model.to_str_tokens(text)
//! model.to_single_token("owl")?;                     // model.to_single_token("owl")
//! model.to_string([1, 2])?;                          // model.to_string([1, 2])
//! model.token_position("owl", text, Occurrence::First)?; // model.get_token_position("owl", text)
//! model.test_prompt(text, "owl")?;                   // utils.test_prompt(text, "owl", model)
//! model.generate(text)?.max_new_tokens(3).run()?;    // model.generate(text, max_new_tokens=3)
//! model.read(text)?;                                // HookedTransformerKeyValueCache, past_kv_cache
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # The cache
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let (run, last) = (model.run(text)?, Site::resid_post(1));
//! run.cache().get("blocks.0.attn.hook_z")?;          // cache["blocks.0.attn.hook_z"]
//! run.cache().get(("pattern", 0))?;                  // cache["pattern", 0], cache[utils.get_act_name("pattern", 0)]
//! run.cache().get(Site::pattern(-1))?;               // cache["pattern", -1]
//! run.cache().sites();                               // cache.keys()
//! run.stack_activation(Site::z)?;                    // cache.stack_activation("z")
//! run.accumulated_resid(last, true)?;                // cache.accumulated_resid(incl_mid=True)
//! run.decompose(last)?;                              // cache.decompose_resid
//! run.decompose_heads(last)?;                        // cache.stack_head_results
//! run.decompose_neurons(last)?;                      // cache.stack_neuron_results
//! run.decompose_fully(last)?;                        // cache.get_full_resid_decomposition
//! run.decompose(last)?.logit_attrs("owl", "red")?;   // cache.logit_attrs(stack, tokens, incorrect_tokens)
//! run.decompose(last)?.apply_ln(Site::unembed_in())?; // cache.apply_ln_to_stack
//! run.cache().get(Site::unembed_in())?;              // cache["ln_final.hook_normalized"] of a model with folded norms: what W_U reads
//! run.logit_lens()?;                                 // logit lens: accumulated_resid, ln_final, W_U
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Hooks
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let run = model.run(text)?;
//! model.run_with(text, edit(Site::z(1), |z| z * 0.0))?; // model.run_with_hooks(text, fwd_hooks=[..])
//! model.hooked(zero(Site::z(1))).run(text)?;         // model.add_hook(..), add_perma_hook; with model.hooks(..)
//! model.run(text)?;                                  // model.reset_hooks(): `model` itself never changes
//! model.run_with(text, zero(Site::z(1)).head(0))?;   // def hook(z, hook): z[:, :, 0] = 0
//! model.run_with(text, observe(Site::z(1), |z| println!("{:?}", z.dims())))?; // def hook(z, hook): print(z.shape)
//! model.run_with(text, observe_at("blocks.*.attn.hook_z", |z, site| println!("{site} {:?}", z.dims())))?; // def hook(z, hook): print(hook.name)
//! model.run_with(text, edit(Site::v(1), |v| Ok(v.clone())))?; // def hook(v, hook): return v
//! let (keep, stored) = store("blocks.*.attn.hook_z"); // def hook(z, hook): kept.append(z)
//! model.run_with(text, keep)?;
//! stored.all()?;                                     // kept
//! model.run_with(text, patch(Site::resid_post(0), run.cache()))?; // def hook(resid, hook): return cache[hook.name]
//! model.pass(text)?.differentiate(Site::resid_post(0), |logits| logits.sum_all()).run()?; // bwd_hooks, .backward()
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Weights
//! ```
//! # use glassbox::prelude::*;
//! # let (model, layer, head) = (Model::open("induction-2l")?, 1, 0);
//! # let text = "red fox blue";
//! let w = model.weights();
//! w.w_e()?;                                          // model.W_E, model.embed.W_E
//! w.w_pos()?;                                        // model.W_pos
//! w.w_u()?;                                          // model.W_U
//! w.w_q(layer)?.i(head)?;                            // model.W_Q[layer, head]
//! w.w_k(layer)?.i(head)?;                            // model.W_K[layer, head]
//! w.w_v(layer)?.i(head)?;                            // model.W_V[layer, head]
//! w.w_o(layer)?.i(head)?;                            // model.W_O[layer, head]
//! w.stacked(|w, layer| w.w_q(layer))?;               // model.W_Q
//! w.get("blocks.0.attn.W_Q")?;                       // model.state_dict()["blocks.0.attn.W_Q"]
//! w.token_to_residual_direction("owl")?;             // model.tokens_to_residual_directions(model.to_single_token("owl"))
//! w.tokens_to_residual_directions(text)?;            // model.tokens_to_residual_directions(model.to_tokens(text))
//! w.accumulated_bias(layer, false, true)?;           // model.accumulated_bias
//! model.all_head_labels();                           // model.all_head_labels()
//! model.qk(layer)?;                                  // model.QK[layer], a FactoredMatrix
//! model.ov(layer)?.eigenvalues()?;                   // model.OV[layer].eigenvalues
//! model.ov(layer)?.get(head)?.rmatmul(w.w_e()?)?.matmul(w.w_u()?)?; // model.W_E @ model.OV[layer, head] @ model.W_U
//! composition_scores(&model, Composition::K)?;       // model.all_composition_scores("K")
//! model.fold_value_biases()?;                        // model.fold_value_biases(..)
//! model.center_unembed()?;                           // from_pretrained(.., center_unembed=True)
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Heads and singular vectors
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let run = model.run(text)?;
//! Detector::head_type(HeadType::PreviousToken).scores(&run)?; // head_detector.detect_head(model, text, "previous_token_head")
//! head_scores(&run)?;                                // detect_head for previous, duplicate and induction heads
//! glassbox::circuits::svd_reading(&model, glassbox::circuits::Writes::Head { layer: 1, head: 0 }, 3)?; // SVDInterpreter(model).get_singular_vectors("OV", ..)
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Patching
//! ```
//! # use glassbox::prelude::*;
//! # let model = Model::open("grammar-4l")?;
//! # let metric = Metric::logit_diff(&model, "are", "is", 1)?;
//! # let patching = Patching::new(&model, "The keys near the cabinet", "The key near the cabinets", metric)?;
//! patching.resid_pre()?;                             // patching.get_act_patch_resid_pre
//! patching.resid_mid()?;                             // patching.get_act_patch_resid_mid
//! patching.attn_out()?;                              // patching.get_act_patch_attn_out
//! patching.mlp_out()?;                               // patching.get_act_patch_mlp_out
//! Metric::new(|logits| logits.i((.., 3)));           // def metric(logits): return logits[:, -1, 3]
//! patching.heads(HeadPart::Out)?;                    // patching.get_act_patch_attn_head_out_all_pos; _q_, _k_, _v_, _pattern_
//! patching.heads_by_position(HeadPart::Query)?;      // patching.get_act_patch_attn_head_q_by_pos
//! patching.pattern_entries()?;                       // patching.get_act_patch_attn_head_pattern_dest_src_pos
//! patching.every_head_part()?;                       // patching.get_act_patch_attn_head_all_pos_every
//! patching.every_block_part()?;                      // patching.get_act_patch_block_every
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # nnsight
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("grammar-4l")?, "The keys near the cabinet");
//! let run = model.run(text)?;                        // with model.trace(text):
//! run.cache().get(Site::resid_post(0))?;             //     model.transformer.h[0].output[0].save()
//! model.run_with(text, zero(Site::mlp_out(0)))?;     //     model.transformer.h[0].mlp.output[:] = 0
//! run.logits()?;                                     //     model.lm_head.output.save()
//! model.generate(text)?.max_new_tokens(2).record(Site::resid_post(0)).run()?; // with model.generate(text, ..):
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # SAELens
//! Sparse autoencoders cannot be loaded yet. These lines show what comes before and after one; `affine` stands in for
//! it:
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let run = model.run(text)?;
//! let acts = run.cache().get("blocks.0.hook_resid_post")?; // HookedSAETransformer.run_with_cache; sae.encode(acts)
//! let decoded = acts.affine(1.0, 0.0)?;              // sae.decode(..)
//! model.run_with(text, replace("blocks.0.hook_resid_post", decoded))?; // run_with_saes
//! # Ok::<(), glassbox::Error>(())
//! ```
