//! Requests to the hub. The token goes to the hub only, failures are retried for a while, and everything has a time
//! limit.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use ureq::{
    Agent, Body,
    http::{HeaderMap, Response, StatusCode, Uri, header},
};

use super::{
    Hub, HubId,
    address::{Origin, endpoint, plain, redirect},
    verify::Sum,
};
use crate::error::{Error, LoadError, Result};

/// The number of attempts before a failure is reported.
const ATTEMPTS: u32 = 4;
const REDIRECTS: usize = 10;
/// A transfer slower than this many bytes per second counts as stalled.
const SLOWEST: u64 = 1024;

pub(super) struct Web<'a> {
    pub(super) hub: &'a Hub,
    pub(super) id: &'a HubId,
    agent: Agent,
    origin: Origin,
}

/// A response, and the hub's own headers about the file (not those of a redirect's target).
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    pub(super) sum: Option<Sum>,
    pub(super) size: Option<u64>,
}

/// The reason of a failure, and whether a retry may succeed.
pub(super) enum Failure {
    Passing { error: Error, after: Option<Duration> },
    Lasting(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Lasting(error.into())
    }
}

impl Failure {
    pub(super) fn passing(error: Error) -> Self {
        Self::Passing { error, after: None }
    }
}

impl<'a> Web<'a> {
    pub(super) fn new(hub: &'a Hub, id: &'a HubId) -> Result<Self> {
        let bad = |why| LoadError::HubSetting { why };
        let origin = endpoint(&hub.endpoint).map(|url| Origin::of(&url)).map_err(bad)?;
        let origin = origin.ok_or_else(|| bad("the hub's address is not valid".into()))?;
        if let Some(at) = hub.token.as_ref().and_then(|token| token.chars().position(|c| !c.is_ascii_graphic())) {
            return Err(bad(format!(
                "the hub's token (HF_TOKEN, or the file that HF_TOKEN_PATH names) has a space, a line break or another \
                 sign at place {at} that no token has; copy it anew from the hub's page of access tokens"
            ))
            .into());
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .accept_encoding("identity")
            .user_agent(concat!("glassbox/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(hub.patience))
            .timeout_connect(Some(hub.patience))
            .timeout_send_request(Some(hub.patience))
            .timeout_recv_response(Some(hub.patience * 2))
            .timeout_per_read(Some(hub.patience))
            .build();
        Ok(Self { hub, id, agent: agent.into(), origin })
    }

    /// Repeats an action while it fails temporarily, with growing pauses.
    pub(super) fn patiently<T>(&self, mut act: impl FnMut() -> Result<T, Failure>) -> Result<T> {
        let (mut left, mut pause) = (ATTEMPTS, self.hub.patience / 60);
        loop {
            left -= 1;
            match act() {
                Ok(done) => return Ok(done),
                Err(Failure::Passing { after, .. }) if left > 0 => {
                    std::thread::sleep(after.unwrap_or(pause).min(self.hub.patience));
                    pause *= 2;
                }
                Err(Failure::Passing { error, .. } | Failure::Lasting(error)) => return Err(error),
            }
        }
    }

    /// Requests `path` from a byte offset on, at most `most` bytes. Redirects are followed.
    pub(super) fn get(&self, path: &str, from: u64, most: u64) -> Result<Answer, Failure> {
        let first = format!("{}{path}", self.hub.endpoint);
        let mut url = endpoint_of(&first).ok_or_else(|| self.broken(&first, "this is not an address".into(), 0))?;
        let (mut seen, mut sum, mut size) = (Vec::new(), None, None);
        loop {
            let response = self.ask(&url, from, most)?;
            if Origin::of(&url).as_ref() == Some(&self.origin) {
                let says = |name| text(response.headers(), name);
                let etag = || says("etag").filter(|_| response.status().is_success());
                sum = sum.or(says("x-linked-etag").or_else(etag).and_then(Sum::from_etag));
                size = size.or(says("x-linked-size").and_then(|size| size.parse().ok()));
            }
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                let response = self.accepted(&url, response, from)?;
                return Ok(Answer { response, sum, size });
            }
            let location = text(response.headers(), "location").unwrap_or_default();
            let next = redirect(&url, location).map_err(|why| self.broken(&plain(&url), why, 0))?;
            seen.push(url);
            if seen.contains(&next) || seen.len() > REDIRECTS {
                let why = match seen.contains(&next) {
                    true => "its redirects lead back to it".to_owned(),
                    false => format!("it redirects more than {REDIRECTS} times"),
                };
                return Err(self.broken(&plain(&next), why, 0).into());
            }
            url = next;
        }
    }

    fn ask(&self, url: &Uri, from: u64, most: u64) -> Result<Response<Body>, Failure> {
        // A generous limit even for a slow transfer; `pour` detects a stalled one much earlier.
        let longest = self.hub.patience * 2 + Duration::from_secs((most / SLOWEST).min(1 << 25));
        let mut request = self.agent.get(url).config().timeout_recv_body(Some(longest)).build();
        if let Some(token) = self.hub.token.as_ref().filter(|_| Origin::of(url).as_ref() == Some(&self.origin)) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        request.call().map_err(|why| {
            let host = url.authority().map_or("the hub", |host| host.as_str());
            let hint = format!(
                "{host} cannot be reached ({}); try again when the network works, or give the model's folder or .gguf \
                 file",
                self.words(&why)
            );
            let error = self.hub.not_found(&self.id.to_string(), &hint);
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            match why {
                ureq::Error::Io(why)
                    if [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&why.kind()) =>
                {
                    Failure::passing(error)
                }
                _ => Failure::Lasting(error),
            }
        })
    }

    fn accepted(&self, url: &Uri, response: Response<Body>, from: u64) -> Result<Response<Body>, Failure> {
        let status = response.status();
        if status.is_success() || (status == StatusCode::RANGE_NOT_SATISFIABLE && from > 0) {
            return Ok(response);
        }
        let error = self.refused(url, &response);
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let after = text(response.headers(), "retry-after").and_then(|after| after.trim().parse().ok());
            return Err(Failure::Passing { error, after: after.map(Duration::from_secs) });
        }
        Err(error.into())
    }

    fn refused(&self, url: &Uri, response: &Response<Body>) -> Error {
        let (id, page) = (self.id, format!("{}/{}", self.hub.endpoint, self.id.repo));
        let code = text(response.headers(), "x-error-code").unwrap_or_default();
        let advice = match (code, response.status().as_u16()) {
            ("GatedRepo", _) => {
                format!("the model is gated: accept its licence at {page}, and set HF_TOKEN to a token of that account")
            }
            ("RevisionNotFound", _) => format!("the model has no branch, tag or commit `{}`", id.revision),
            (_, 401 | 403) => format!(
                "there is no such model, or it is private or gated: accept its licence at {page}, and set HF_TOKEN to \
                 a token that may read it"
            ),
            (_, 404) => "check the id and the revision".to_owned(),
            (_, 429) => "there were too many requests: wait a while, or set HF_TOKEN".to_owned(),
            _ => "try again later".to_owned(),
        };
        let said: String = text(response.headers(), "x-error-message").unwrap_or_default().chars().take(200).collect();
        let parts = [said, advice, self.hub.shipped(&id.repo)];
        let why = parts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
        LoadError::HubRefused { id: id.to_string(), url: plain(url), status: response.status().as_u16(), why }.into()
    }

    /// Passes on at most `most` bytes of a body. Returns the number received, which is `most + 1` if there are more.
    pub(super) fn pour(
        &self,
        body: &mut Body,
        most: u64,
        broken: impl Fn(String) -> Error,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64, Failure> {
        let (mut reader, mut buffer) = (body.as_reader().take(most.saturating_add(1)), vec![0; 1 << 18]);
        let (mut total, mut since, mut before) = (0, Instant::now(), 0);
        loop {
            let bytes = match reader.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(count) => buffer.get(..count).unwrap_or_default(),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                Err(why) => return Err(Failure::passing(broken(self.words(&ureq::Error::from(why))))),
            };
            let due = usize::try_from(most - total).unwrap_or(usize::MAX).min(bytes.len());
            each(bytes.get(..due).unwrap_or_default())?;
            total += bytes.len() as u64;
            if since.elapsed() >= self.hub.patience {
                if ((total - before) as f64) < SLOWEST as f64 * since.elapsed().as_secs_f64() {
                    let (count, time) = (total - before, self.hub.patience);
                    return Err(Failure::passing(broken(format!("it stalls: {count} bytes came in {time:?}"))));
                }
                (since, before) = (Instant::now(), total);
            }
        }
    }

    pub(super) fn broken(&self, url: &str, why: String, kept: u64) -> Error {
        LoadError::Download { url: url.to_owned(), why, kept }.into()
    }

    fn words(&self, why: &ureq::Error) -> String {
        match why {
            ureq::Error::Timeout(_) => format!("it stalls: nothing came for {:?}", self.hub.patience),
            ureq::Error::HostNotFound => "there is no host of this name".into(),
            ureq::Error::Io(why) => match why.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
                Some(inner) => self.words(inner),
                None => why.to_string(),
            },
            ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => {
                "its answer is not valid HTTP".into()
            }
            ureq::Error::Decompress(..) => "its answer cannot be unpacked".into(),
            other => other.to_string(),
        }
    }
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn endpoint_of(url: &str) -> Option<Uri> {
    url.parse().ok()
}
