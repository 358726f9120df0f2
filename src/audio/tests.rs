//! Files of every kind, made by hand, and what is said of those that are none.

use super::*;
use std::{fs, path::PathBuf};

/// A chunk of a WAV file.
fn chunk(id: &[u8; 4], size: u32, content: &[u8]) -> Vec<u8> {
    [&id[..], &size.to_le_bytes(), content].concat()
}

fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let frame = channels * bits.div_ceil(8);
    let words = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    let rates = [rate.to_le_bytes(), (rate * u32::from(frame)).to_le_bytes()].concat();
    [words, rates, frame.to_le_bytes().to_vec(), bits.to_le_bytes().to_vec()].concat()
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    [b"RIFF".to_vec(), (content.len() as u32 + 4).to_le_bytes().to_vec(), b"WAVE".to_vec(), content].concat()
}

fn wav(format: &[u8], samples: &[u8]) -> Vec<u8> {
    riff(&[chunk(b"fmt ", format.len() as u32, format), chunk(b"data", samples.len() as u32, samples)])
}

fn shorts(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn heard(bytes: &[u8]) -> Vec<f32> {
    Audio::from_bytes(bytes).unwrap().samples()
}

fn refused(bytes: &[u8]) -> String {
    Audio::from_bytes(bytes).err().unwrap().to_string()
}

const SHORTS: [i16; 3] = [16384, -32768, 8192];
const HEARD: [f32; 3] = [0.5, -1.0, 0.25];

#[test]
fn every_kind_of_number_in_a_wav_file_is_heard_alike() {
    let eight = wav(&format(1, 1, 16_000, 8), &[192, 0, 160]);
    let longer = |unused: usize| -> Vec<u8> {
        SHORTS.iter().flat_map(|sample| [vec![0; unused], sample.to_le_bytes().to_vec()].concat()).collect()
    };
    let (three, four) = (wav(&format(1, 1, 16_000, 24), &longer(1)), wav(&format(1, 1, 16_000, 32), &longer(2)));
    let float: Vec<u8> = HEARD.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let double: Vec<u8> = HEARD.iter().flat_map(|&sample| f64::from(sample).to_le_bytes()).collect();
    let floats = [wav(&format(3, 1, 16_000, 32), &float), wav(&format(3, 1, 16_000, 64), &double)];
    let short = wav(&format(1, 1, 16_000, 16), &shorts(&SHORTS));
    for bytes in [eight, short, three, four].into_iter().chain(floats) {
        assert_eq!(heard(&bytes), HEARD);
    }
}

#[test]
fn the_extensible_form_says_its_kind_later() {
    let more = [22u16.to_le_bytes().to_vec(), 16u16.to_le_bytes().to_vec(), vec![4, 0, 0, 0], vec![1, 0]].concat();
    let extensible = [format(0xFFFE, 1, 16_000, 16), more, vec![0; 14]].concat();
    assert_eq!(heard(&wav(&extensible, &shorts(&SHORTS))), HEARD);
}

#[test]
fn channels_are_averaged_and_rates_brought_to_16000() {
    let both: Vec<i16> = (0..44_100).flat_map(|_| [16384, 0]).collect();
    let audio = Audio::from_bytes(wav(&format(1, 2, 44_100, 16), &shorts(&both))).unwrap();
    assert_eq!((audio.duration(), audio.source_rate(), audio.source_channels()), (1.0, 44_100, 2));
    assert!((audio.samples()[8000] - 0.25).abs() < 1e-6);
}

#[test]
fn chunks_of_odd_sizes_are_padded_and_unknown_ones_passed_over() {
    let list = chunk(b"LIST", 5, b"INFO!\0");
    let format = chunk(b"fmt ", 16, &format(1, 1, 16_000, 16));
    let data = chunk(b"data", 6, &shorts(&SHORTS));
    assert_eq!(heard(&riff(&[list.clone(), format, list.clone(), data, list])), HEARD);
}

#[test]
fn a_size_that_was_never_written_means_up_to_the_end() {
    for size in [0, u32::MAX] {
        let format = chunk(b"fmt ", 16, &format(1, 1, 16_000, 16));
        let cut = [shorts(&SHORTS), vec![7]].concat();
        assert_eq!(heard(&riff(&[format, chunk(b"data", size, &cut)])), HEARD);
    }
}

#[test]
fn a_file_past_four_gigabytes_has_its_size_in_front() {
    let sizes = chunk(
        b"ds64",
        28,
        &[[0; 8], 6u64.to_le_bytes(), [0; 8]].concat().into_iter().chain([0; 4]).collect::<Vec<_>>(),
    );
    let chunks = [sizes, chunk(b"fmt ", 16, &format(1, 1, 16_000, 16)), chunk(b"data", u32::MAX, &shorts(&SHORTS))];
    let mut long = riff(&[&chunks[..], &[chunk(b"LIST", 4, b"INFO")]].concat());
    long[..4].copy_from_slice(b"RF64");
    assert_eq!(heard(&long), HEARD);
}

fn sphere(fields: &str, samples: &[u8]) -> Vec<u8> {
    let mut head = format!("NIST_1A\n   1024\n{fields}end_head\n").into_bytes();
    head.resize(1024, b' ');
    [head, samples.to_vec()].concat()
}

const FIELDS: &str = "sample_count -i 3\nsample_rate -i 16000\nchannel_count -i 1\nsample_n_bytes -i 2\n";

#[test]
fn the_sphere_files_of_timit_are_heard() {
    let little = format!("speaker_id -s4 fcjf\n{FIELDS}sample_byte_format -s2 01\n");
    assert_eq!(heard(&sphere(&little, &shorts(&SHORTS))), HEARD);
    let big: Vec<u8> = SHORTS.iter().flat_map(|sample| sample.to_be_bytes()).collect();
    assert_eq!(heard(&sphere(&format!("{FIELDS}sample_byte_format -s2 10\n"), &big)), HEARD);
    let telephone = "sample_rate -i 8000\nsample_coding -s4 ulaw\nsample_n_bytes -i 1\n";
    assert_eq!(heard(&sphere(telephone, &[0xFF; 4])).len(), 8);
    let shorten = refused(&sphere(&format!("{FIELDS}sample_coding -s26 pcm,embedded-shorten-v2.00\n"), &[1; 9]));
    assert!(shorten.contains("a compressed SPHERE file") && shorten.contains("sph2pipe -f wav"), "{shorten}");
    let cut = refused(&sphere(FIELDS, &shorts(&SHORTS[..2])));
    assert!(cut.contains("breaks off"), "{cut}");
}

#[test]
fn a_header_that_cannot_be_is_said_to_be_wrong() {
    let data = shorts(&SHORTS);
    let (plain, mut uneven) = (format(1, 1, 16_000, 16), format(1, 1, 16_000, 16));
    uneven[12] = 3;
    let cases = [
        (wav(&format(1, 0, 16_000, 16), &data), "0 channels"),
        (wav(&format(1, 1, 16_000, 0), &data), "samples of 0 bits"),
        (wav(&format(3, 1, 16_000, 16), &data), "samples of 16 bits"),
        (wav(&uneven, &data), "take 2 bytes, not 3"),
        (wav(&plain[..10], &data), "10 bytes of the 16"),
        (wav(&plain, &data[..5]), "5 bytes"),
        (wav(&format(1, 1, 0, 16), &data), "1000 to 384000 samples a second"),
        (riff(&[chunk(b"data", 6, &data)]), "before what says how"),
        (riff(&[chunk(b"fmt ", 16, &plain)]), "no `data` chunk"),
        (wav(&plain, &[]), "no samples"),
        (wav(&plain, &data)[..20].to_vec(), "breaks off within its header, after 20 bytes"),
        (b"RIFF\x10\0".to_vec(), "breaks off within its header, after 6 bytes"),
        (wav(&format(2, 1, 16_000, 4), &data), "a WAV file of ADPCM"),
        (wav(&format(0x55, 1, 16_000, 16), &data), "a WAV file of MP3"),
        (b"NIST_1A\n  what\n sample_rate -i 16000\n".to_vec(), "not the length of the header"),
        (sphere("sample_n_bytes -i 2\n", &data), "no `sample_rate`"),
        (sphere("sample_rate -i 16000\nsample_count -i many\n", &data), "`sample_count` is `many`"),
    ];
    for (bytes, why) in cases {
        let said = refused(&bytes);
        assert!(said.contains(why) && !said.contains('\n'), "{why}: {said}");
    }
}

#[test]
fn a_file_that_breaks_off_says_how_much_is_there() {
    let format = chunk(b"fmt ", 16, &format(1, 1, 16_000, 16));
    let said = refused(&riff(&[format, chunk(b"data", 64_000, &[0; 16_000])]));
    assert!(said.contains("after 0.500 s of the 2.000 s that its header promises"), "{said}");
}

#[test]
fn samples_that_are_no_loudness_are_refused() {
    let float = |sample: f32| refused(&wav(&format(3, 1, 16_000, 32), &[[0; 4], sample.to_le_bytes()].concat()));
    assert!(float(f32::NAN).starts_with("sample 1 of the sound in these bytes, at 0.000 s, is NaN"));
    assert!(float(f32::INFINITY).contains("is inf"));
    assert!(float(23_000.0).contains("divide them by 32768"), "{}", float(23_000.0));
}

#[test]
fn other_formats_are_named_with_the_line_that_converts_them() {
    let formats: [(&[u8], &str); 17] = [
        (b"fLaC\0\0\0\x22", "a FLAC file"),
        (b"ID3\x04\0\0\0\0", "an MP3 file"),
        (b"\xff\xfb\x90\0", "an MP3 file"),
        (b"OggS\0\x02", "an OGG file"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "an M4A file"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", "an MP4 file"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "a QuickTime video"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "a WebM file"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", "a Matroska video"),
        (b"FORM\0\0\0\0AIFFCOMM", "an AIFF file"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI video"),
        (b"RIFX\0\0\0\0WAVE", "a WAV file of the big-endian kind"),
        (b"File type = \"ooTextFile\"\n", "a Praat file of text"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"hello, world", "the letters `hello, w`"),
    ];
    for (bytes, what) in formats {
        let said = refused(bytes);
        assert!(said.contains(what), "{what}: {said}");
        let converts = said.contains("`ffmpeg -i in -ar 16000 -ac 1 out.wav`");
        assert!(converts || said.contains("not a sound"), "{said}");
    }
}

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("glassbox-audio-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_path_without_a_sound_is_refused_in_one_sentence() {
    let folder = folder("paths");
    fs::write(folder.join("talk.wav"), wav(&format(1, 1, 16_000, 16), &shorts(&SHORTS))).unwrap();
    fs::write(folder.join("empty.wav"), []).unwrap();
    fs::write(folder.join("my song.mp3"), b"ID3\x04").unwrap();
    let said = |name: &str| Audio::open(folder.join(name)).err().unwrap().to_string();
    assert!(said("").contains("is a folder; name a sound file in it, such as"), "{}", said(""));
    assert!(said("tolk.wav").contains("the nearest is") && said("tolk.wav").ends_with("talk.wav"));
    assert!(said("none/talk.wav").contains("is not there either"));
    assert!(said("empty.wav").contains("it has 0 bytes"));
    let song = said("my song.mp3");
    assert!(song.contains("ffmpeg -i \"") && song.ends_with("my song.wav\"`"), "{song}");
    let audio = Audio::open(folder.join("talk.wav")).unwrap();
    assert_eq!((audio.name(), audio.samples()), ("talk.wav".into(), HEARD.to_vec()));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn samples_come_as_any_row_of_numbers_at_any_rate() {
    let of = |samples: Vec<f64>| Audio::from_samples(samples, 16_000).unwrap();
    assert_eq!(of(vec![0.5, -0.25]).samples(), [0.5, -0.25]);
    assert_eq!(Audio::from_samples([0, 1, 0], 8000).unwrap().samples().len(), 6);
    let said = |samples: &[f32], rate: f64| Audio::from_samples(samples, rate).err().unwrap().to_string();
    assert!(said(&[], 16_000.0).contains("there are no samples"));
    assert!(said(&[0.0, f32::NAN], 16_000.0).contains("sample 1 of the sound in these samples"));
    assert!(said(&[0.0; 3], 16.0).contains("1000 to 384000 samples a second"));
    assert!(said(&[0.0; 3], 22_050.5).contains("got 22050.5"));
    assert!(said(&[0.0; 3], f64::NAN).contains("got NaN") && said(&[0.0; 3], -1.0).contains("got -1"));
    assert!(said(&[0.0, 20_000.0], 16_000.0).contains("divide them by 32768"));
}

#[test]
fn a_sound_longer_than_a_day_is_refused_before_it_is_resampled() {
    let said = Audio::from_samples(vec![0.0; 90_000_000], 1000).err().unwrap().to_string();
    assert!(said.contains("lasts 25.0 hours"), "{said}");
}

#[test]
fn a_sound_is_cut_by_seconds_from_either_end() {
    let audio = Audio::from_samples((0..32_000).map(|t| t as f32 / 32_000.0), 16_000).unwrap();
    let part = audio.seconds(0.5..1.5).unwrap();
    assert_eq!((part.samples()[0], part.samples().len(), part.duration()), (0.25, 16_000, 1.0));
    assert_eq!(part.seconds(0.5..).unwrap().samples()[0], 0.5);
    assert_eq!(audio.seconds(1..2).unwrap().samples()[0], 0.5);
    assert_eq!(audio.seconds(-0.5..).unwrap().samples()[0], 0.75);
    assert_eq!(audio.seconds(..=0.25).unwrap().duration(), 0.25);
    assert_eq!(audio.seconds(std::time::Duration::from_millis(1500)..).unwrap().duration(), 0.5);
    assert_eq!(audio.seconds(0.0..2.0004).unwrap().duration(), 2.0);
}

#[test]
fn a_cut_that_is_not_within_the_sound_is_refused() {
    let audio = Audio::from_samples([0.1; 32_000], 16_000).unwrap();
    let said = |from: f64, to: f64| audio.seconds(from..to).err().unwrap();
    let sentence = "the sound lasts 2 s, and 1 to 3 s is not within it; give seconds from 0 to 2";
    assert_eq!(said(1.0, 3.0).to_string(), sentence);
    assert!(said(1.0, 3.0).is_out_of_range() && said(-2.5, 1.0).is_out_of_range());
    assert!(said(1.5, 0.5).to_string().contains("nothing lies between 1.5 and 0.5 s"));
    assert!(said(f64::NAN, 1.0).to_string().contains("NaN to 1 s is not within"));
    assert!(said(1.0, 1.0).to_string().contains("nothing lies"));
}

#[test]
fn what_has_no_log_mel_spectrogram_is_refused() {
    let long = Audio::from_samples(vec![0.1; 31 * 16_000], 16_000).unwrap();
    let said = long.log_mel(80).err().unwrap().to_string();
    assert!(said.contains("lasts 31 s, and Whisper reads 30 s at a time") && said.contains("audio.seconds(0..30)"));
    let whole = LogMel::new(80).unwrap().pad(Pad::Nothing).of(&long).unwrap();
    assert_eq!(whole.dims(), [80, 3100]);
    for bins in [0, 129, usize::MAX] {
        assert!(LogMel::new(bins).err().unwrap().to_string().contains(&format!("got {bins}")));
    }
    let of = |shape: &[usize], value: f32| {
        let samples = candle_core::Tensor::full(value, shape, &candle_core::Device::Cpu).unwrap();
        LogMel::new(80).unwrap().of_samples(&samples).err().unwrap().to_string()
    };
    assert!(of(&[1, 1, 8], 0.0).contains("the shape [1, 1, 8]") && of(&[0], 0.0).contains("none is empty"));
    assert!(of(&[8], f32::NAN).contains("sample 0 of the tensor"));
}

#[test]
fn silence_and_the_shortest_sound_have_spectrograms() {
    for samples in [vec![0.0; 16_000], vec![0.3], vec![0.3; 200]] {
        let audio = Audio::from_samples(samples, 16_000).unwrap();
        for pad in [Pad::Sound, Pad::Mel, Pad::Nothing] {
            let mel = LogMel::new(80).unwrap().pad(pad).of(&audio).unwrap().flatten_all().unwrap();
            assert!(mel.to_vec1::<f32>().unwrap().iter().all(|value| value.is_finite()));
        }
    }
}
