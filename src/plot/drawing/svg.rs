//! The plotters backend that writes SVG: attributes only, two decimals, the same bytes for the same picture.
//!
//! plotters works on a grid of integers, so one unit is a hundredth of a pixel. plotters' own elements have no
//! tooltips, no slanted text and no way to join many rectangles in one path. [`Mark`](super::mark::Mark) adds these;
//! its drawing ends in the same [`SvgBackend::write`].

use std::{cell::RefCell, convert::Infallible, fmt::Write, rc::Rc};

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
    text_anchor::{HPos, VPos},
};

use super::{
    color::Rgb,
    mark::{Anchor, Paint, Shape, Words},
};
use crate::printable::{escape, text_width};

/// The backend units in one pixel.
pub(crate) const UNITS: f64 = 100.0;

/// Converts a length in px to the nearest backend unit.
pub(crate) fn units(px: f64) -> i32 {
    (px * UNITS).round() as i32
}

/// Writes SVG elements into a shared string, one per line.
pub(crate) struct SvgBackend {
    size: (u32, u32),
    out: Rc<RefCell<String>>,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl SvgBackend {
    /// Returns a backend of a size in px, and the string that it writes to.
    pub(crate) fn new(width: f64, height: f64) -> (Self, Rc<RefCell<String>>) {
        let out = Rc::new(RefCell::new(String::new()));
        (Self { size: (units(width) as u32, units(height) as u32), out: out.clone() }, out)
    }

    /// Writes one shape at its points, with a tooltip if it has a title.
    pub(crate) fn write(&mut self, shape: &Shape, at: &[BackendCoord], paint: &Paint, title: Option<&str>) -> Drawn {
        let Some(&(x, y)) = at.first() else { return Ok(()) };
        let title = title.map(|title| format!("<title>{}</title>", escape(title))).unwrap_or_default();
        let geometry = match shape {
            Shape::Rects if at.len() == 2 => rect(at[0], at[1]),
            Shape::Rects => format!(r#"d="{}""#, rects(at)),
            Shape::Path { closed } => format!(r#"d="{}{}""#, path(at), if *closed { "z" } else { "" }),
            Shape::Segments => format!(r#"d="{}""#, at.chunks(2).map(path).collect::<String>()),
            Shape::Runs => format!(r#"d="{}""#, runs(at)),
            Shape::Circle(radius) => format!(r#"cx="{}" cy="{}" r="{radius}""#, px(x), px(y)),
            Shape::Text(words) => text_geometry(words, x, y),
            Shape::Open | Shape::Close => String::new(),
        };
        let (tag, content) = match shape {
            Shape::Rects if at.len() == 2 => ("rect", String::new()),
            Shape::Circle(_) => ("circle", String::new()),
            Shape::Text(words) => ("text", text_content(words)),
            _ => ("path", String::new()),
        };
        let attributes = attributes(shape, paint);
        let mut out = self.out.borrow_mut();
        // Writing to a string cannot fail.
        let _ = match shape {
            Shape::Open => writeln!(out, "<g>{title}"),
            Shape::Close => writeln!(out, "</g>"),
            _ if title.is_empty() && content.is_empty() => writeln!(out, "<{tag} {geometry}{attributes}/>"),
            _ => writeln!(out, "<{tag} {geometry}{attributes}>{title}{content}</{tag}>"),
        };
        Ok(())
    }
}

/// Converts units to px, without trailing zeros.
fn px(units: i32) -> String {
    let (sign, units) = if units < 0 { ("-", units.unsigned_abs()) } else { ("", units.unsigned_abs()) };
    let text = format!("{sign}{}.{:02}", units / UNITS as u32, units % UNITS as u32);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// One rectangle between two corners.
fn rect((x, y): BackendCoord, (right, bottom): BackendCoord) -> String {
    format!(r#"x="{}" y="{}" width="{}" height="{}""#, px(x), px(y), px(right - x), px(bottom - y))
}

/// `M x y L x y ...`: a line through the points.
fn path(at: &[BackendCoord]) -> String {
    let mut d = String::new();
    for (i, &(x, y)) in at.iter().enumerate() {
        let _ = write!(d, "{}{} {}", if i == 0 { 'M' } else { 'L' }, px(x), px(y));
    }
    d
}

/// Rectangles, given by two corners each, with relative moves: every subpath starts where the previous one started.
fn rects(at: &[BackendCoord]) -> String {
    let mut d = String::new();
    let mut pen = (0, 0);
    for corner in at.chunks_exact(2) {
        let ((x, y), (right, bottom)) = (corner[0], corner[1]);
        let (width, height) = (px(right - x), px(bottom - y));
        let _ = write!(d, "m{} {}h{width}v{height}h{}z", px(x - pen.0), px(y - pen.1), px(x - right));
        pen = (x, y);
    }
    d
}

/// Level lines, each from one point to the next on its right, with relative moves from where the one before ended.
fn runs(at: &[BackendCoord]) -> String {
    let (mut d, mut pen) = (String::new(), (0, 0));
    for ends in at.chunks_exact(2) {
        let ((x, y), (right, _)) = (ends[0], ends[1]);
        let _ = write!(d, "m{} {}h{}", px(x - pen.0), px(y - pen.1), px(right - x));
        pen = (right, y);
    }
    d
}

fn text_geometry(words: &Words, x: i32, y: i32) -> String {
    // Centres the letters on the point: the baseline is a third of an em lower.
    let baseline = y + units(words.size * 0.34);
    let turn = if words.angle == 0.0 {
        String::new()
    } else {
        format!(r#" transform="rotate({} {} {})""#, words.angle, px(x), px(y))
    };
    let anchor = match words.anchor {
        Anchor::Start => "",
        Anchor::Middle => r#" text-anchor="middle""#,
        Anchor::End => r#" text-anchor="end""#,
    };
    let family = if words.sans { format!(r#" font-family="{SANS}""#) } else { String::new() };
    let weight = if words.bold { r#" font-weight="600""# } else { "" };
    format!(r#"x="{}" y="{}" font-size="{}"{anchor}{weight}{family}{turn}"#, px(x), px(baseline), words.size)
}

fn text_content(words: &Words) -> String {
    let suffix =
        words.suffix.as_ref().map(|(text, color)| format!(r#"<tspan fill="{}">{}</tspan>"#, color.hex(), escape(text)));
    format!("{}{}", escape(&words.content), suffix.unwrap_or_default())
}

/// The font of titles and axis names. All other text uses [`MONO`], which is set once on the root element.
const SANS: &str = "system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif";

/// The font of tokens and numbers; its columns are assumed to be 0.6 em wide.
pub(crate) const MONO: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace";

fn attributes(shape: &Shape, paint: &Paint) -> String {
    let mut out = String::new();
    let open = matches!(shape, Shape::Path { closed: false } | Shape::Segments | Shape::Runs);
    match paint.fill {
        Some(color) if !open => {
            let _ = write!(out, r#" fill="{}""#, color.hex());
            if paint.opacity < 1.0 {
                let _ = write!(out, r#" fill-opacity="{}""#, paint.opacity);
            }
        }
        _ => out.push_str(r#" fill="none""#),
    }
    if let Some((color, width)) = paint.stroke {
        let _ = write!(out, r#" stroke="{}""#, color.hex());
        if width != 1.0 {
            let _ = write!(out, r#" stroke-width="{width}""#);
        }
        if let Some(dash) = paint.dash {
            let _ = write!(out, r#" stroke-dasharray="{dash}""#);
        }
        if paint.round {
            out.push_str(r#" stroke-linejoin="round" stroke-linecap="round""#);
        }
    }
    out
}

/// Converts the paint of plotters' own elements.
fn filled(color: BackendColor) -> Paint {
    let (r, g, b) = color.rgb;
    Paint { fill: Some(Rgb(r, g, b)), opacity: color.alpha, ..Paint::default() }
}

fn stroked<S: BackendStyle>(style: &S) -> Paint {
    let (r, g, b) = style.color().rgb;
    let width = f64::from(style.stroke_width()) / UNITS;
    Paint { stroke: Some((Rgb(r, g, b), width)), round: true, ..Paint::default() }
}

fn painted<S: BackendStyle>(style: &S, fill: bool) -> Paint {
    if fill { filled(style.color()) } else { stroked(style) }
}

impl DrawingBackend for SvgBackend {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.write(&Shape::Rects, &[(x, y), (x + 1, y + 1)], &filled(color), None)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.write(&Shape::Path { closed: false }, &[from, to], &stroked(style), None)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        self.write(&Shape::Rects, &[from, to], &painted(style, fill), None)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let at: Vec<_> = path.into_iter().collect();
        self.write(&Shape::Path { closed: false }, &at, &stroked(style), None)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, vert: I, style: &S) -> Drawn {
        let at: Vec<_> = vert.into_iter().collect();
        self.write(&Shape::Path { closed: true }, &at, &filled(style.color()), None)
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        self.write(&Shape::Circle(f64::from(radius) / UNITS), &[center], &painted(style, fill), None)
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Drawn {
        let size = style.size() / UNITS;
        let anchor = match style.anchor().h_pos {
            HPos::Left => Anchor::Start,
            HPos::Center => Anchor::Middle,
            HPos::Right => Anchor::End,
        };
        let middle = match style.anchor().v_pos {
            VPos::Top => units(size / 2.0),
            VPos::Center => 0,
            VPos::Bottom => -units(size / 2.0),
        };
        let (angle, (dx, dy)) = match style.transform() {
            FontTransform::None => (0.0, (0, middle)),
            FontTransform::Rotate90 => (90.0, (-middle, 0)),
            FontTransform::Rotate180 => (180.0, (0, -middle)),
            FontTransform::Rotate270 => (-90.0, (middle, 0)),
        };
        let bold = matches!(style.style(), FontStyle::Bold);
        let words = Words { content: text.into(), size, anchor, angle, bold, ..Words::default() };
        self.write(&Shape::Text(words), &[(x + dx, y + dy)], &filled(style.color()), None)
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((text_width(text, style.size()) as u32, style.size() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_keep_two_decimals_and_no_more() {
        assert_eq!([px(0), px(100), px(1250), px(-5), px(12345)], ["0", "1", "12.5", "-0.05", "123.45"]);
    }

    #[test]
    fn many_rectangles_are_one_path_of_relative_moves() {
        let at = [(100, 100), (300, 200), (500, 100), (600, 200)];
        assert_eq!(rects(&at), "m1 1h2v1h-2zm4 0h1v1h-1z");
    }

    #[test]
    fn runs_move_on_from_where_the_one_before_ended() {
        let at = [(100, 150), (300, 150), (450, 150), (600, 150), (0, 250), (100, 250)];
        assert_eq!(runs(&at), "m1 1.5h2m1.5 0h1.5m-6 1h1");
    }

    #[test]
    fn plotters_own_elements_are_drawn() {
        use plotters::prelude::*;
        let (backend, out) = SvgBackend::new(10.0, 10.0);
        let area = backend.into_drawing_area();
        area.draw(&Circle::new((500, 500), 200, RED.filled())).unwrap();
        let thick = ShapeStyle { color: BLACK.to_rgba(), filled: false, stroke_width: 150 };
        area.draw(&PathElement::new([(0, 0), (1000, 550)], thick)).unwrap();
        area.draw(&Text::new("a<b", (500, 500), ("monospace", 1200).into_font())).unwrap();
        let svg = out.borrow().clone();
        assert!(svg.contains(r##"<circle cx="5" cy="5" r="2" fill="#ff0000"/>"##), "{svg}");
        assert!(svg.contains(r##"d="M0 0L10 5.5" fill="none" stroke="#000000" stroke-width="1.5""##), "{svg}");
        assert!(svg.contains(">a&lt;b</text>"), "{svg}");
    }
}
