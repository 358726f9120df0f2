//! Lays out composed figures. [`Figure`] uses it for its SVG and HTML.
//!
//! Rows and columns become one SVG. Tabs are radio buttons and a few lines of CSS scoped to the figure's id. Without
//! CSS, every pane is visible under its own name.

use std::fmt::Write;

use super::{
    drawing::{
        color::{ACCENT, INK, PAPER, RULE, WARM},
        page::{LABEL, MARGIN, NAME, ROW},
    },
    figure::{Figure, Node, Tab},
};
use crate::{
    Error,
    printable::{escape, text_width},
};

/// The height of a tab's name if the panes are stacked.
const NAME_PLATE: f64 = 26.0;

pub(crate) fn size(figure: &Figure) -> (f64, f64) {
    let below = |(w, h): (f64, f64), (width, height): (f64, f64)| (w.max(width), h + height);
    match figure.node() {
        Node::Drawing { size, .. } => *size,
        Node::Failed(error) => (2.0 * MARGIN + text_width(&said(error), LABEL), 2.0 * MARGIN + LABEL),
        Node::Row(parts) => beside(parts).1,
        Node::Column(parts) => parts.iter().map(size).fold((0.0, 0.0), below),
        Node::Tabs { still: Some(still), .. } => size(still),
        Node::Tabs { tabs, .. } => {
            let named = |tab: &Tab| below((0.0, NAME_PLATE), size(&tab.pane));
            tabs.iter().map(named).fold((0.0, 0.0), below)
        }
    }
}

/// The positions of the figures in a row, and the size of the row.
fn beside(parts: &[Figure]) -> (Vec<(f64, f64)>, (f64, f64)) {
    let (mut at, mut bottom, mut right) = ((0.0, 0.0), 0f64, 0f64);
    let place = |part| {
        let (width, height) = size(part);
        if at.0 > 0.0 && at.0 + width > ROW {
            at = (0.0, bottom);
        }
        let here = at;
        at.0 += width;
        (right, bottom) = (right.max(at.0), bottom.max(at.1 + height));
        here
    };
    let places = parts.iter().map(place).collect();
    (places, (right, bottom))
}

/// The SVG elements of a figure, with its parts moved to their places.
pub(crate) fn body(figure: &Figure) -> String {
    let mut at = (0.0, 0.0);
    let mut out = String::new();
    match figure.node() {
        Node::Drawing { body, .. } => return body.clone(),
        Node::Failed(error) => {
            let (y, fill, said) = (MARGIN + LABEL, WARM.hex(), escape(&said(error)));
            let _ = writeln!(out, r#"<text x="{MARGIN}" y="{y}" font-size="{LABEL}" fill="{fill}">{said}</text>"#);
        }
        Node::Tabs { still: Some(still), .. } => return body(still),
        Node::Row(parts) => {
            for (part, at) in parts.iter().zip(beside(parts).0) {
                out += &moved(part, at);
            }
        }
        Node::Column(parts) => {
            for part in parts {
                out += &moved(part, at);
                at.1 += size(part).1;
            }
        }
        Node::Tabs { tabs, .. } => {
            for tab in tabs {
                let _ = writeln!(
                    out,
                    r#"<text x="{MARGIN}" y="{}" font-size="{NAME}" font-weight="600" fill="{}">{}</text>"#,
                    at.1 + NAME_PLATE - 6.0,
                    INK.hex(),
                    escape(&tab.name)
                );
                out += &moved(&tab.pane, (0.0, at.1 + NAME_PLATE));
                at.1 += NAME_PLATE + size(&tab.pane).1;
            }
        }
    }
    out
}

fn moved(figure: &Figure, at: (f64, f64)) -> String {
    match at {
        (0.0, 0.0) => body(figure),
        (x, y) => format!("<g transform=\"translate({x} {y})\">\n{}</g>\n", body(figure)),
    }
}

pub(crate) fn alt(figure: &Figure) -> String {
    let sentences = |parts: &[Figure]| parts.iter().map(alt).collect::<Vec<_>>().join(" ");
    match figure.node() {
        Node::Drawing { alt, .. } => alt.clone(),
        Node::Failed(error) => said(error),
        Node::Row(parts) | Node::Column(parts) => sentences(parts),
        Node::Tabs { still: Some(still), .. } => alt(still),
        Node::Tabs { tabs, .. } => {
            tabs.iter().map(|tab| format!("{}: {}", tab.name, alt(&tab.pane))).collect::<Vec<_>>().join(" ")
        }
    }
}

pub(crate) fn plain(figure: &Figure) -> String {
    match figure.node() {
        Node::Drawing { plain, .. } => plain.clone(),
        Node::Failed(error) => said(error),
        Node::Row(parts) | Node::Column(parts) => parts.iter().map(plain).collect::<Vec<_>>().join("\n"),
        Node::Tabs { still: Some(still), .. } => plain(still),
        Node::Tabs { tabs, .. } => {
            tabs.iter().map(|tab| format!("== {} ==\n{}", tab.name, plain(&tab.pane))).collect::<Vec<_>>().join("\n")
        }
    }
}

/// Everything that is drawn, for a hash. Unlike [`body`], it includes panes that only tabs show.
pub(crate) fn content(figure: &Figure) -> String {
    match figure.node() {
        Node::Tabs { tabs, .. } => tabs.iter().map(|tab| format!("{}\n{}", tab.name, content(&tab.pane))).collect(),
        Node::Row(parts) | Node::Column(parts) => parts.iter().map(content).collect(),
        Node::Drawing { body, .. } => body.clone(),
        Node::Failed(error) => said(error),
    }
}

/// The message shown in place of a figure that failed.
fn said(error: &Error) -> String {
    format!("Error: {error}")
}

fn has_tabs(figure: &Figure) -> bool {
    match figure.node() {
        Node::Drawing { .. } | Node::Failed(_) => false,
        Node::Row(parts) | Node::Column(parts) => parts.iter().any(has_tabs),
        Node::Tabs { .. } => true,
    }
}

/// The figure as HTML. A form separates the radio buttons of two copies of one figure on a page.
pub(crate) fn html(figure: &Figure, id: &str) -> String {
    if has_tabs(figure) {
        format!("<form method=\"dialog\" style=\"overflow-x:auto;background:#fff\">\n{}</form>", part(figure, id))
    } else {
        format!("<div id=\"{id}\" style=\"overflow-x:auto\">\n{}</div>", whole(figure))
    }
}

/// The SVG in its full width. A notebook's own style would shrink a wide one until its text is unreadable.
fn whole(figure: &Figure) -> String {
    format!("<div style=\"width:{}px\">\n{}\n</div>\n", size(figure).0, figure.to_svg())
}

fn part(figure: &Figure, id: &str) -> String {
    let parts = |parts: &[Figure]| -> String {
        parts.iter().enumerate().map(|(i, figure)| part(figure, &format!("{id}-{i}"))).collect()
    };
    match figure.node() {
        _ if !has_tabs(figure) => whole(figure),
        Node::Row(figures) => format!("<div style=\"display:flex;flex-wrap:wrap\">\n{}</div>\n", parts(figures)),
        Node::Column(figures) => format!("<div>\n{}</div>\n", parts(figures)),
        Node::Tabs { tabs, .. } => tabs_html(tabs, id),
        Node::Drawing { .. } | Node::Failed(_) => String::new(),
    }
}

fn tabs_html(tabs: &[Tab], id: &str) -> String {
    let mut buttons = String::new();
    let mut panes = String::new();
    let mut rules = String::new();
    for (i, Tab { name, button, pane }) in tabs.iter().enumerate() {
        let face = button.as_ref().map_or_else(|| escape(name), Figure::to_svg);
        let checked = if i == 0 { " checked" } else { "" };
        let title = escape(name);
        let _ = writeln!(
            buttons,
            "<label class=\"t{i}\" title=\"{title}\"><input type=\"radio\" name=\"{id}\"{checked}> {face}</label>"
        );
        let pane = part(pane, &format!("{id}-{i}"));
        let _ = write!(panes, "<div class=\"gb-pane p{i}\">\n<div class=\"gb-name\">{title}</div>\n{pane}</div>\n");
        let _ = writeln!(rules, "#{id}:has(>.gb-bar>.t{i}>:checked)>.p{i}{{display:block}}");
    }
    let style = style(id);
    format!(
        "<div id=\"{id}\">\n<style>\n{style}{rules}</style>\n<div class=\"gb-bar\">\n{buttons}</div>\n{panes}</div>\n"
    )
}

/// The CSS that hides every pane but the chosen one and styles the buttons. It takes effect only where CSS works.
fn style(id: &str) -> String {
    let (ink, paper, rule, accent) = (INK.hex(), PAPER.hex(), RULE.hex(), ACCENT.hex());
    format!(
        "#{id}>.gb-bar{{display:flex;flex-wrap:wrap;gap:4px;padding:8px 14px 4px}}\n\
         #{id}>.gb-bar>label{{position:relative;cursor:pointer;padding:3px 10px;border:1px solid {rule};\
         border-radius:4px;font:12px/1.5 system-ui,sans-serif;color:{ink};background:{paper}}}\n\
         #{id}>.gb-bar>label:has(svg){{padding:1px}}\n\
         #{id}>.gb-bar>label>svg{{display:block}}\n\
         #{id}>.gb-bar>label>input{{position:absolute;opacity:0;margin:0}}\n\
         #{id}>.gb-bar>label:hover{{border-color:{accent}}}\n\
         #{id}>.gb-bar>label:has(:checked){{border-color:{accent};box-shadow:0 0 0 1px {accent}}}\n\
         #{id}>.gb-bar>label:has(:focus-visible){{outline:2px solid {accent};outline-offset:2px}}\n\
         #{id}:has(>.gb-bar :checked)>.gb-pane,#{id}:has(>.gb-bar :checked)>.gb-pane>.gb-name{{display:none}}\n"
    )
}
