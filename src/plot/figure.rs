//! [`Figure`]: a finished picture, and the formats it can be saved in. Every builder of [`plot`](super) returns one.

use std::{path::Path, sync::Arc};

use super::layout;
use crate::{
    Error, Result,
    error::PlotError,
    files,
    notebook::Show,
    plot::drawing::{color::PAPER, svg::MONO},
    printable::{escape, lines, sentence},
};

/// A picture, or several composed by [`row`](super::row), [`column`](super::column) and [`tabs`](super::tabs).
///
/// A notebook cell that ends in a figure shows it. The picture is one inline SVG whose values appear as tooltips. It
/// needs no script, no style sheet and no network, so it also works on GitHub and in documentation pages. The same data
/// always gives the same bytes.
///
/// # Examples
/// ```
/// use glassbox::plot::Bars;
/// let figure = Bars::new([("·Mary", 0.7), ("·John", 0.2)]).title("Next token").draw()?;
/// assert!(figure.to_svg().starts_with("<svg "));
/// assert!(figure.alt().contains("·Mary"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Figure(Arc<Node>);

/// What a figure is made of.
pub(crate) enum Node {
    /// One picture: its size in px, its SVG elements, its alternative text and its plain-text form.
    Drawing { size: (f64, f64), body: String, alt: String, plain: String },
    /// The error that replaces the figure.
    Failed(Error),
    /// Figures side by side.
    Row(Vec<Figure>),
    /// Figures one above the other.
    Column(Vec<Figure>),
    /// One figure at a time, chosen by its tab. `still` replaces all of them where only one picture can be shown.
    Tabs { tabs: Vec<Tab>, still: Option<Figure> },
}

/// One pane of [`tabs`](super::tabs): its name, the picture on its button if it has one, and the figure.
pub(crate) struct Tab {
    pub name: String,
    pub button: Option<Figure>,
    pub pane: Figure,
}

impl Figure {
    pub(crate) fn drawing(size: (f64, f64), body: String, alt: String, plain: String) -> Self {
        Self::of(Node::Drawing { size, body, alt: sentence(alt), plain: lines(&plain.replace('−', "-")) })
    }

    /// The same picture with another alternative text and another plain-text form.
    pub(crate) fn retold(&self, alt: String, plain: String) -> Self {
        Self::drawing(self.size(), layout::body(self), alt, plain)
    }

    pub(crate) fn of(node: Node) -> Self {
        Self(Arc::new(node))
    }

    /// The figure, or a figure that shows the error.
    pub(crate) fn or_failed(node: Result<Node>) -> Self {
        Self::of(node.unwrap_or_else(Node::Failed))
    }

    /// Returns the error of a figure that could not be drawn.
    pub(crate) fn check(&self) -> Result<()> {
        match self.node() {
            Node::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.0
    }

    /// The width and height in px.
    pub fn size(&self) -> (f64, f64) {
        layout::size(self)
    }

    /// One sentence that describes the picture, for readers who cannot see it.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let figure = Bars::new([("yes", 0.7)]).title("Answer").draw()?;
    /// assert!(figure.alt().contains("Answer"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn alt(&self) -> String {
        layout::alt(self)
    }

    /// The picture as plain text: a table, bars made of characters, or its strongest values.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let figure = Bars::new([("yes", 0.7)]).draw()?;
    /// assert!(figure.to_text().contains("yes"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_text(&self) -> String {
        layout::plain(self)
    }

    /// The picture as one SVG document. It uses attributes only: no style, no script, no external reference.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let figure = Bars::new([("yes", 0.7)]).draw()?;
    /// assert!(figure.to_svg().starts_with("<svg "));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_svg(&self) -> String {
        let (width, height) = self.size();
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" "#,
                "font-family=\"{2}\"><title>{3}</title>\n<rect width=\"{0}\" height=\"{1}\" fill=\"{4}\"/>\n{5}</svg>"
            ),
            width,
            height,
            MONO,
            escape(&self.alt()),
            PAPER.hex(),
            layout::body(self)
        )
    }

    /// The picture as a piece of HTML: the inline SVG, with tabs if the figure has any.
    ///
    /// On a page that drops style sheets, all tabs are shown, one below the other.
    pub fn to_html(&self) -> String {
        let id = format!("gb-{:016x}", fingerprint(&layout::content(self)));
        layout::html(self, &id)
    }

    /// Writes the picture to a file: `.svg`, or `.html` for a page of its own. An existing file is replaced
    /// [in one step](files).
    ///
    /// # Errors
    /// When the file name has another extension, the file cannot be written, or a part of the figure could not be
    /// drawn.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let path = std::env::temp_dir().join("glassbox-figure-example.svg");
    /// Bars::new([("yes", 0.7)]).draw()?.save(&path)?;
    /// assert!(std::fs::read_to_string(&path).unwrap().starts_with("<svg "));
    /// # std::fs::remove_file(path).ok();
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.check()?;
        let path = path.as_ref();
        let content = match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => self.to_svg(),
            Some("html") => page(&self.alt(), &self.to_html()),
            Some("png" | "jpg" | "jpeg" | "gif" | "webp") => {
                return Err(PlotError::Pixels { path: path.display().to_string() }.into());
            }
            _ => return Err(PlotError::Extension { path: path.display().to_string() }.into()),
        };
        files::write(path, content)
    }
}

impl Show for Figure {
    fn html(&self) -> String {
        self.check().map_or_else(|error| Err::<Self, _>(error).html(), |()| self.to_html())
    }

    fn plain(&self) -> String {
        self.to_text()
    }
}

shown! {
    /// Shows the figure as the output of a notebook cell.
    Figure
}

/// Wraps a piece of HTML in a complete page.
fn page(title: &str, content: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <body style=\"background:#fff;margin:24px\">\n{content}\n</body>\n</html>\n"
    )
}

/// FNV-1a, a hash that is the same in every run, so that ids do not change in version control.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
