//! Reading an SVG back, and what of it notebooks, documentation pages and GitHub let through.

use unicode_width::UnicodeWidthStr;

pub const TAGS: &str = "svg g path rect circle ellipse line polyline polygon text tspan title desc";
pub const ATTRIBUTES: &str = "x y x1 y1 x2 y2 cx cy r rx ry dx dy d points width height viewBox transform fill \
    fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray stroke-linecap stroke-linejoin opacity \
    font-family font-size font-weight font-style text-anchor xmlns";

/// One tag of a document, with its attributes and the depth that it is at.
pub struct Element {
    pub tag: String,
    pub attributes: Vec<(String, String)>,
    pub depth: usize,
    /// The text in it, but not in the elements in it.
    pub text: String,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> f64 {
        self.attribute(name).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} of <{}>", self.tag))
    }
}

/// The elements of well-formed XML without comments, declarations and sections, or what is wrong with it.
pub fn scan(xml: &str) -> Result<Vec<Element>, String> {
    let (mut elements, mut open, mut rest) = (Vec::<Element>::new(), Vec::<usize>::new(), xml);
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start])?;
        if let Some(&parent) = open.last() {
            elements[parent].text += &rest[..start];
        }
        let end = rest.find('>').ok_or("an open tag at the end")?;
        let inside = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(tag) = inside.strip_prefix('/') {
            if open.pop().is_none_or(|opened| elements[opened].tag != tag) {
                return Err(format!("</{tag}> closes what is not open"));
            }
            continue;
        }
        let (inside, empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (tag, mut list) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        while !list.trim().is_empty() {
            let (name, after) = list.split_once("=\"").ok_or(format!("an attribute without a value in <{inside}>"))?;
            let (value, after) = after.split_once('"').ok_or(format!("an open value in <{inside}>"))?;
            check_text(value)?;
            attributes.push((name.trim().to_string(), value.to_string()));
            list = after;
        }
        elements.push(Element { tag: tag.to_string(), attributes, depth: open.len(), text: String::new() });
        if !empty {
            open.push(elements.len() - 1);
        }
    }
    check_text(rest)?;
    if open.is_empty() { Ok(elements) } else { Err(format!("{open:?} are never closed")) }
}

pub fn check_text(text: &str) -> Result<(), String> {
    for part in text.split('&').skip(1) {
        let known =
            ["amp;", "lt;", "gt;", "quot;", "#39;", "#10;", "#9;"].iter().any(|entity| part.starts_with(entity));
        if !known {
            return Err(format!("`&{part}` is not an entity"));
        }
    }
    match text.chars().find(|&c| c.is_control() && c != '\n' || matches!(c, '>' | '\u{fffe}' | '\u{ffff}')) {
        Some(c) => Err(format!("the character {c:?} in `{text}`")),
        None => Ok(()),
    }
}

pub fn check_subset(name: &str, svg: &str) {
    let elements = scan(svg).unwrap_or_else(|why| panic!("{name} is not well-formed: {why}"));
    for Element { tag, attributes, .. } in &elements {
        assert!(TAGS.split(' ').any(|known| known == tag), "{name} has a <{tag}>");
        for (attribute, value) in attributes {
            assert!(
                ATTRIBUTES.split_whitespace().any(|known| known == attribute),
                "{name} has {attribute}= on <{tag}>"
            );
            assert!(!value.contains("NaN") && !value.contains("inf"), "{name} has {attribute}=\"{value}\"");
        }
    }
    assert_eq!((elements[1].tag.as_str(), elements[1].depth), ("title", 1), "{name} begins with its alt sentence");
    let paper = &elements[2];
    assert_eq!(
        (paper.tag.as_str(), paper.attribute("fill")),
        ("rect", Some("#ffffff")),
        "{name} has an opaque background"
    );
    assert!(svg.starts_with("<svg "), "{name} begins at the line's start, so that a doc page takes it as HTML");
    assert!(svg.lines().all(|line| !line.trim().is_empty()), "{name} has a blank line, which ends HTML in markdown");
    for text in elements.iter().filter(|element| element.tag == "text") {
        assert!(text.number("font-size") >= 9.0, "{name} has text of {} px", text.number("font-size"));
    }
}

/// A text's words and the rectangle that holds them: left, top, right, bottom. Slanted text is held too, generously.
type Placed = (String, [f64; 4]);

pub fn placed_texts(svg: &str) -> Vec<Placed> {
    let elements = scan(svg).unwrap();
    let suffix =
        |i: usize| elements.get(i + 1).filter(|next| next.tag == "tspan").map_or("", |next| next.text.as_str());
    let texts = elements.iter().enumerate().filter(|(_, element)| element.tag == "text");
    texts
        .map(|(i, text)| {
            let words = format!("{}{}", text.text, suffix(i))
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            let size = text.number("font-size");
            let width = words.width() as f64 * size * if text.attribute("font-family").is_some() { 0.55 } else { 0.6 };
            let (x, y) = (text.number("x"), text.number("y"));
            let left = match text.attribute("text-anchor") {
                Some("middle") => -width / 2.0,
                Some("end") => -width,
                _ => 0.0,
            };
            let (top, bottom) = (-0.74 * size, 0.22 * size);
            let turn =
                text.attribute("transform").map(|turn| turn.trim_start_matches("rotate(").split(' ').next().unwrap());
            let angle = turn.map_or(0.0, |turn| turn.parse::<f64>().unwrap()).to_radians();
            let corners = [(left, top), (left + width, top), (left, bottom), (left + width, bottom)];
            let turned = corners
                .map(|(dx, dy)| (x + dx * angle.cos() - dy * angle.sin(), y + dx * angle.sin() + dy * angle.cos()));
            let least = |pick: fn((f64, f64)) -> f64| turned.map(pick).into_iter().fold(f64::INFINITY, f64::min);
            let most = |pick: fn((f64, f64)) -> f64| turned.map(pick).into_iter().fold(f64::NEG_INFINITY, f64::max);
            (words, [least(|p| p.0), least(|p| p.1), most(|p| p.0), most(|p| p.1)])
        })
        .collect()
}
