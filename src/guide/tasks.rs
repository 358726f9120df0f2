//! The index by task: what you want to do, and the line that does it.
//!
//! Every line is compiled, and all but those for encoders are run.
//!
//! All lines follow these:
//!
//! ```
//! use glassbox::prelude::*;
//! let model = Model::open("induction-2l")?;
//! let text = "red fox blue owl red fox blue";
//! let run = model.run(text)?;
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Open and run a model
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! Model::open("induction-2l")?;            // open a shipped model; also a folder, a .gguf file, a hub id
//! model.config().n_layers;                 // how many layers, heads, dimensions
//! model.tokens(text)?;                     // cut a text into tokens
//! model.to_str_tokens(text)?;              // the tokens as strings
//! model.to_single_token("fox")?;           // the id of a word
//! model.run(text)?;                        // run, and record every activation
//! model.pass(text)?.record(Site::z(1)).run()?; // record one site only
//! model.pass(text)?.stop_at_layer(1).run()?;   // stop before a layer
//! model.forward(text)?;                    // logits alone
//! model.run(["red fox red", "blue owl"])?; // several texts, padded
//! model.generate(text)?.max_new_tokens(3).run()?; // generate text
//! model.processed(Processing::default())?; // fold layer norms, centre the weights
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Look at a sound
//! ```
//! # use glassbox::{audio::{LogMel, Pad}, prelude::*};
//! # let folder = std::env::temp_dir().join(format!("glassbox-guide-sound-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # let (talk, cut) = (folder.join("talk.wav"), folder.join("cut.wav"));
//! let tone: Vec<f32> = (0..44_100).map(|t| (t as f32 * 0.05).sin()).collect();
//! let audio = Audio::from_samples(tone, 44_100)?; // from samples; converted to one channel at 16 kHz
//! # audio.save(&talk)?;
//! let audio = Audio::open(talk)?;          // from a file: WAV or NIST SPHERE
//! audio.spectrogram()?;                    // picture: waveform and spectrogram, as in Praat
//! audio.mel_spectrogram(80)?;              // picture: what Whisper reads
//! audio.spectrogram()?.tier("words", [(0.0, 0.4, "oh")]).draw()?; // with a tier of words
//! audio.seconds(0.2..0.5)?;                // a part of it
//! audio.seconds(0.2..0.5)?.save(cut)?;     // saved as a WAV file
//! audio.log_mel(80)?;                      // the log-mel spectrogram as a tensor
//! LogMel::new(128)?.pad(Pad::Mel).of(&audio)?; // 128 bands, padded after the spectrogram is made
//! # std::fs::remove_dir_all(folder).ok();
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # What does the model predict?
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let run = model.run(text)?;
//! run.next_tokens(-1, 6)?;                 // picture: the most likely next tokens
//! run.predictions(-1, 6)?;                 // the same as data
//! for next in run.predictions(-1, 6)? {    // each has text, id, logit and probability
//!     println!("{} {:.3}", next.text, next.probability);
//! }
//! run.probability("owl", -1)?;             // probability of a word
//! run.logit_diff("owl", "red", -1)?;       // logit difference of two words
//! model.run([text, text])?.logit_diffs([("owl", "red"), ("owl", "fox")], -1)?; // of every text of a batch
//! run.loss()?;                             // loss, mean over tokens
//! run.loss_per_token()?;                   // loss per token
//! let other = model.run_with(text, zero(Site::z(1)))?;
//! compare_losses([("before", &run), ("after", &other)])?; // picture: losses per token, compared
//! run.surprise()?;                         // picture: loss per token, on the text
//! model.test_prompt(text, "owl")?;         // rank, logit and probability of an answer
//! model.accuracy([(text, "owl", "red")])?; // for how many prompts the right word beats the wrong one
//! run.logit_lens()?;                       // picture: what it would predict before each layer
//! run.logit_lens()?.layers(0..1)?;         // at some of the layers
//! run.logit_lens_for("owl")?.rank_line(-1)?; // picture: rank of a word by layer
//! run.logits()?.softmax(-1)?;              // probabilities of every token everywhere
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Look at activations
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let run = model.run(text)?;
//! run.cache().get("blocks.1.attn.hook_pattern")?; // an activation by its TransformerLens name
//! run.cache().get(Site::resid_post(-1))?;  // the same by a typed name; -1 is the last layer
//! run.cache().get(("pattern", 1))?;         // the same by TransformerLens's short name
//! run.cache().sites();                     // what was recorded
//! run.logits()?.i((0, -1))?;                // part of a tensor: numbers and ranges, from either end
//! run.loss_per_token()?.i(0)?.to_vec1::<f32>()?; // numbers of a tensor: to_vec1, to_vec2, to_scalar
//! run.logits()?.sum(D::Minus1)?;           // along the last axis: where candle counts axes, -1 is D::Minus1
//! run.stack_activation(Site::z)?;          // one site of all layers, stacked
//! run.attention(1)?;                       // picture: attention patterns of a layer
//! run.attention_head(1, 0)?;               // picture: attention pattern of a head
//! run.pattern(1, 0)?;                      // attention pattern of a head as an array
//! head_scores(&run)?;                      // picture: previous-token, duplicate and induction scores of heads
//! head_scores(&run)?.top(3);               // table of the highest scores
//! run.bytes();                             // how much memory the run holds; drop(run) frees it
//! label_heads(&model, 0)?;                 // picture: type of every head, measured on random tokens
//! repeated_random_tokens(&model, 4, 10, 2, 0)?; // random tokens, repeated
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Encoders
//! ```no_run
//! # use glassbox::prelude::*;
//! let bert = Model::open("path/to/bert")?;
//! bert.fill_mask("The capital of France is [MASK].", 5)?; // picture: what may stand at the blank
//! bert.run("The capital of France is [MASK].")?.logit_lens()?; // picture: what it would put there before each layer
//! bert.embed(["a cat sat", "a dog sat"])?.similarity(); // how alike sentences are, -1 to 1
//! let heads = bert.run("The capital of France is [MASK].")?.decompose_heads(Site::resid_post(-1))?;
//! heads.positions([6])?.logit_attrs("paris", "london")?; // picture: which heads put Paris there, all norms held
//! let metric = Metric::logit_diff(&bert, "paris", "rome", 1)?.at(6)?; // by what stands at the blank
//! Patching::new(&bert, "the capital of france is [MASK].", "the capital of italy is [MASK].", metric)?.resid_pre()?;
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # An encoder beside a decoder
//! ```no_run
//! # use glassbox::prelude::*;
//! let t5 = Model::open("google-t5/t5-small")?;
//! let (cat, dog) = ("translate English to German: The cat", "translate English to German: The dog");
//! let run = t5.run((cat, "Die"))?;                   // the encoder reads the first, the decoder the second
//! run.attention(Site::cross_pattern(0).in_decoder())?; // picture: where the decoder looks in the source
//! t5.run_with((cat, "Die"), zero(Site::z(1).in_encoder()).head(3))?; // ablate a head of the encoder
//! let two = Patching::new(&t5, (cat, "Die"), (dog, "Die"), Metric::logit_diff(&t5, "Katze", "Hund", 1)?)?;
//! two.encoder()?.resid_pre()?;                       // picture: layer of the encoder by position of the source
//! two.decoder()?.heads(HeadPart::Out)?;              // picture: heads of the decoder
//! two.cross_attention()?.heads(HeadPart::Pattern)?;  // picture: heads that look from the decoder to the encoder
//! two.encoder()?.edge_attribution()?.circuit(8);     // picture: a circuit of the encoder
//! let run = t5.pass(cat)?.decoder_input("Die")?.record(Sites::All).run()?;
//! let heads = run.decompose_heads(Site::resid_post(-1).in_decoder())?; // those of self-attention and of cross attention
//! heads.next_token_attrs()?;                               // picture: what each gave to the token that comes next
//! run.decompose(Site::resid_post(-1).in_encoder())?;       // the encoder's stream
//! run.decompose_scores(Site::cross_pattern(0).in_decoder(), 0)?; // picture: why a head attends to the source
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Change something
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("grammar-4l")?, "The keys near the cabinet");
//! # let run = model.run(text)?;
//! # let direction = Direction::new(Site::resid_post(0), &Tensor::ones(model.config().d_model, DType::F32, &Device::Cpu)?)?;
//! model.run_with(text, zero(Site::z(1)).head(0))?;   // ablate a head
//! model.run_with(text, [zero(Site::z(0)).head(2), zero(Site::z(1)).head(0)])?; // ablate several
//! model.run_with(text, mean(Site::mlp_out(0)))?;     // mean-ablate an MLP
//! model.run_with(text, zero("blocks.*.attn.hook_z").head(0))?; // at all sites of a pattern
//! model.run_with(text, edit(Site::z(1), |z| z * 0.5))?; // any function of the activation
//! model.run_with(text, edit(Site::z(1), |z| Ok(((z * 0.5)? + 1.0)?)))?; // in several steps
//! model.run_with(text, observe(Site::z(1), |z| println!("{:?}", z.dims())))?; // look without changing
//! model.run_with(text, edit_at("blocks.*.attn.hook_z", |z, site| z * if site.layer() == Some(0) { 0.0 } else { 1.0 }))?; // a closure that receives the site
//! let (keep, stored) = store(Site::z(1));            // keep an activation
//! model.run_with(text, keep)?;
//! stored.get()?;                                     // and read it; for several sites stored.at(site)?, stored.all()?
//! model.run_with(text, patch(Site::z(1), run.cache()))?; // put in another run's activation
//! model.run_with(text, patch(Site::z(1), run.cache()).position(-1))?; // at one position
//! let pass = model.pass(text)?.differentiate(Site::z(1), |logits| logits.sum_all()).run()?;
//! pass.gradient(Site::z(1))?;                        // gradient of anything at a site
//! model.run_with(text, block_attention(1, [-1], [2]))?; // stop one position from attending to another
//! Direction::between(&model, Site::resid_post(1), -1, ["The keys are", "The boys are"], ["The key is", "The boy is"])?; // a direction from two sets of texts, at the last token
//! model.run_with(text, direction.add(4.0))?;         // steer along a direction
//! model.run_with(text, direction.ablate())?;         // remove a direction
//! model.hooked(zero(Site::z(1)).head(0));            // a model with this change built in
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Which part does it?
//! ```
//! # use glassbox::prelude::*;
//! # let (model, text) = (Model::open("induction-2l")?, "red fox blue owl red fox blue");
//! # let (run, last) = (model.run(text)?, Site::resid_post(1));
//! let heads = run.decompose_heads(last)?;            // the residual stream as a sum of heads
//! heads.logit_attrs("owl", "red")?;                  // picture: direct logit attribution of every head
//! heads.logit_attrs("owl", "red")?.top_heads(3)?;    // the strongest heads: layer, head, value
//! heads.logit_attrs("owl", "red")?.top(3)?;          // table of the strongest
//! heads.next_token_attrs()?;                         // picture: attribution of the next token, at every position
//! run.decompose_scores(1, 0)?;                       // picture: an attention score, split by what query and key read
//! glassbox::circuits::attention_from_qk(&run, 1, run.cache().get(Site::q(1))?, run.cache().get(Site::k(1))?)?; // a pattern from q and k
//! run.decompose(last)?.logit_attrs("owl", "red")?;   // the same for every layer's attention and MLP
//! run.accumulated_resid(last, true)?.logit_attrs("owl", "red")?.line()?; // by depth
//! let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
//! Metric::new(|logits| logits.i((.., 3)));           // a metric of your own, from the logits at the last position
//! let two = Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
//! two.resid_pre()?;                                  // picture: activation patching, layer by position
//! two.heads(HeadPart::Out)?;                         // picture: activation patching of every head
//! two.heads(HeadPart::Out)?.top(3);                  // table of the strongest
//! two.every_head_part()?;                            // pictures: output, query, key, value and pattern of every head
//! two.attribution()?.heads(HeadPart::Out)?;          // attribution patching
//! two.path("a0.h0", "a1.h0.k")?;                     // path patching
//! two.edge_attribution()?.circuit(8);                // picture: a circuit of eight edges
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Read the weights
//! ```
//! # use glassbox::prelude::*;
//! # let model = Model::open("induction-2l")?;
//! model.weights().w_q(0)?;                           // a weight by its usual name
//! model.qk(1)?;                                      // W_Q W_K^T of every head of a layer
//! model.ov(1)?.svd()?.s;                             // singular values of W_V W_O; .u and .v are its vectors
//! svd(model.weights().w_e()?)?.s;                    // singular values of any matrix
//! model.ov_all()?.eigenvalues()?;                    // picture: eigenvalues of every head
//! let (w_e, w_u) = (model.weights().w_e()?, model.weights().w_u()?);
//! model.ov(1)?.get(0)?.rmatmul(w_e)?.matmul(w_u)?;   // W_E W_V W_O W_U of a head, kept as two factors
//! composition_scores(&model, Composition::K)?;       // picture: which heads compose
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Probe
//! ```
//! # use glassbox::prelude::*;
//! let model = Model::open("grammar-4l")?;
//! let texts = ["The key is", "The keys are", "The box is", "The boxes are", "The boy is", "The boys are"];
//! let plural = |tokens: &Tokens, at: usize| (at == 2).then(|| tokens.strings(0)[at].ends_with('s'));
//! let examples = Examples::collect(&model, [Site::resid_post(1)], texts, plural)?;
//! SparseProbe::params().k(1).fit(examples.features(Site::resid_post(1))?, examples.labels())?.report(); // picture
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Words and phones in time
//! ```
//! use glassbox::tiers::{Tier, Tiers};
//! # let path = std::env::temp_dir().join(format!("glassbox-guide-{}.TextGrid", std::process::id()));
//! # let spoken = |name: &str, at: f64| Tier::new(name, [(at, at + 0.2, "sh"), (at + 0.2, at + 0.5, "iy")]);
//! # Tiers::new([spoken("gold", 0.1)?, spoken("phones", 0.12)?]).save(&path)?;
//! let tiers = Tiers::open(&path)?;                        // a TextGrid; also .PHN, .WRD, .ctm, .srt, .vtt, .tsv, .json
//! let phones = tiers.tier("phones")?;                     // picture: one tier; `tiers` is all of them
//! phones.at(0.2)?.label;                                  // what is said at a time, in seconds
//! phones.labelled("sh");                                  // every interval of a label
//! phones.durations();                                     // how long each is; .labels() what it is
//! phones.pauses();                                        // where nothing is said
//! tiers.crop(0.2..0.5)?.shift(-0.2)?;                     // a part, from 0 on
//! phones.compare(&tiers.tier("gold")?)?.mean_start_error(); // errors of boundaries in milliseconds
//! # let path = path.with_extension("srt");
//! phones.save(&path)?;                                    // write any of these formats
//! # std::fs::remove_file(&path).ok();
//! # std::fs::remove_file(path.with_extension("TextGrid")).ok();
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Draw
//! ```
//! # use glassbox::prelude::*;
//! LineChart::new().add(Series::new("loss", [3.0, 2.0, 1.5])).draw()?; // plot a line
//! Bars::new([("Mary", 0.7), ("John", 0.2)]).draw()?;      // bar chart
//! Heatmap::new([[0.1, 0.9], [0.4, 0.6]]).title("Scores").draw()?; // plot a matrix: an array, a tensor, nested lists
//! Heatmap::new([[0.1, 0.9]]).x("key").x_tokens(["red", "fox"]).y("head").draw()?; // with names on its axes
//! Scatter::new([("L0H0", 0.1, 0.4), ("L0H1", 0.3, 0.2)]).draw()?; // scatter plot
//! TokenText::new(["red", "fox"], [0.2, 0.9]).draw()?;     // colour the words of a text
//! let figure = Bars::new([("Mary", 0.7)]).draw()?;
//! row([&figure, &figure]);                                // side by side; column and tabs, too
//! display(&figure);                                       // show it from the middle of a cell
//! # let folder = std::env::temp_dir().join(format!("glassbox-guide-{}.svg", std::process::id()));
//! # let path = folder.to_str().unwrap();
//! figure.save(path)?;                                     // save as a file, .svg
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), glassbox::Error>(())
//! ```
