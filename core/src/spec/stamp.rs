//! Executor pods as bytes: built once per profile, stamped per executor.

use super::executor::{DIRS, Executor, HOSTNAME, ID, NAME};
use super::steps::local_dirs::LocalDirs;
use super::steps::{self, Request};
use super::{AppContext, PodTemplate, ResourceProfile, SpecError, VolumeClaim, names};
use crate::conf::Conf;
use crate::ids::ExecutorId;

/// The executor pod of a profile and its volume claims, lacking only what differs between executors.
#[derive(Debug, Clone)]
pub struct PodStamp {
    prefix: String,
    local_dirs: Option<LocalDirs>,
    pod: Pattern,
    claims: Vec<Pattern>,
    warnings: Vec<String>,
}

/// An executor pod, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedPod {
    /// `metadata.name`
    pub name: String,
    /// A `v1.Pod` in JSON.
    pub body: Vec<u8>,
    /// The volume claims that are made for this executor, in the order of its volumes.
    pub claims: Vec<VolumeClaim>,
}

impl PodStamp {
    /// Builds the pod of a profile. Fails where the configuration describes none, so that no executor fails later.
    ///
    /// What custom feature steps do is not in it, see [`custom_steps`](super::custom_steps).
    pub fn build(
        conf: &Conf,
        context: &AppContext,
        profile: &ResourceProfile,
    ) -> Result<PodStamp, SpecError> {
        let request = |executor| Request {
            conf,
            context,
            profile,
            executor,
        };
        let prefix = context.pod_name_prefix.as_str();
        let id = ExecutorId(1);
        let plain = build(&request(Executor::Real { prefix, id, seed: 0 }))?;
        // The two pods differ in nothing but the dynamic texts. A character that does not occur in the plain one
        // occurs in the other exactly where a dynamic text begins or ends.
        let mark = unused_char(&format!("{}{}", plain.pod, plain.claims.concat()));
        let marked = build(&request(Executor::Marked(mark)))?;
        let stamp = PodStamp {
            prefix: prefix.to_owned(),
            local_dirs: marked.local_dirs,
            pod: Pattern::new(&marked.pod, mark),
            claims: marked
                .claims
                .iter()
                .map(|claim| Pattern::new(claim, mark))
                .collect(),
            warnings: marked.warnings,
        };
        debug_assert_eq!(stamp.stamp(id, 0).body, plain.pod.into_bytes());
        Ok(stamp)
    }

    /// The pod of an executor. `seed`: random bits that no other executor has; they make the name of the default
    /// local directory or the order of configured ones.
    pub fn stamp(&self, executor: ExecutorId, seed: u128) -> StampedPod {
        let texts = Texts::new(&self.prefix, self.local_dirs.as_ref(), executor, seed);
        let claims = self.claims.iter().filter_map(|claim| {
            let manifest = serde_json::from_slice(&claim.fill(&texts)).ok()?;
            VolumeClaim::new(manifest)
        });
        StampedPod {
            body: self.pod.fill(&texts),
            claims: claims.collect(),
            name: texts.name,
        }
    }

    /// Name of the pod of an executor.
    pub fn pod_name(&self, executor: ExecutorId) -> String {
        names::pod_name(&self.prefix, executor)
    }

    /// What of configuration and template was left out, to be logged once.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Pod and claims as JSON texts.
struct Built {
    pod: String,
    claims: Vec<String>,
    local_dirs: Option<LocalDirs>,
    warnings: Vec<String>,
}

fn build(request: &Request<'_>) -> Result<Built, SpecError> {
    let begun = PodTemplate::begin(request.context.pod_template.as_ref(), request.conf)?;
    let mut pod = steps::run(request, begun)?;
    Ok(Built {
        pod: pod.finish().to_string(),
        claims: pod.claims.iter().map(ToString::to_string).collect(),
        local_dirs: pod.local_dirs,
        warnings: pod.warnings,
    })
}

/// A JSON text with gaps.
#[derive(Debug, Clone)]
struct Pattern {
    segments: Vec<Segment>,
    /// Bytes of the fixed segments.
    fixed_len: usize,
}

#[derive(Debug, Clone)]
enum Segment {
    Fixed(Box<str>),
    ExecutorId,
    Name,
    Hostname,
    Dirs,
    Dir(usize),
}

impl Pattern {
    fn new(marked: &str, mark: char) -> Pattern {
        let segments: Vec<Segment> = marked
            .split(mark)
            .zip([false, true].into_iter().cycle())
            .map(segment)
            .collect();
        let len = |piece: &Segment| match piece {
            Segment::Fixed(text) => text.len(),
            _ => 0,
        };
        Pattern {
            fixed_len: segments.iter().map(len).sum(),
            segments,
        }
    }

    fn fill(&self, texts: &Texts) -> Vec<u8> {
        let mut filled = Vec::with_capacity(self.fixed_len + 1024);
        for segment in &self.segments {
            let text = match segment {
                Segment::Fixed(text) => text,
                Segment::ExecutorId => texts.executor_id.as_str(),
                Segment::Name => &texts.name,
                Segment::Hostname => &texts.hostname,
                Segment::Dirs => &texts.joined_dirs,
                Segment::Dir(index) => texts.dirs.get(*index).map_or("", String::as_str),
            };
            filled.extend_from_slice(text.as_bytes());
        }
        filled
    }
}

fn segment((text, between_marks): (&str, bool)) -> Segment {
    match text {
        _ if !between_marks => Segment::Fixed(text.into()),
        ID => Segment::ExecutorId,
        NAME => Segment::Name,
        HOSTNAME => Segment::Hostname,
        DIRS => Segment::Dirs,
        index => index
            .parse()
            .map_or_else(|_| Segment::Fixed(text.into()), Segment::Dir),
    }
}

/// The dynamic texts of an executor, as they stand in JSON.
struct Texts {
    executor_id: String,
    name: String,
    hostname: String,
    dirs: Vec<String>,
    joined_dirs: String,
}

impl Texts {
    fn new(prefix: &str, local_dirs: Option<&LocalDirs>, id: ExecutorId, seed: u128) -> Texts {
        let name = names::pod_name(prefix, id);
        // Fixed directories are no dynamic text.
        let mut dirs = match local_dirs {
            None | Some(LocalDirs::Fixed(_)) => Vec::new(),
            Some(local_dirs) => local_dirs.of_executor(seed),
        };
        // The other texts consist of letters, digits, '-', '.' and '_'.
        for dir in &mut dirs {
            *dir = json_escaped(dir);
        }
        Texts {
            executor_id: id.to_string(),
            hostname: names::hostname(&name),
            name,
            joined_dirs: dirs.join(","),
            dirs,
        }
    }
}

/// A character of the private use areas that is not in the text. There are 137,000 of them; a text with all of them
/// would exceed what the API server accepts by itself.
fn unused_char(text: &str) -> char {
    ('\u{E000}'..='\u{F8FF}')
        .chain('\u{F0000}'..='\u{FFFFD}')
        .chain('\u{100000}'..='\u{10FFFD}')
        .find(|c| !text.contains(*c))
        .unwrap_or('\u{E000}')
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What a stamp is compared with.
#[cfg(test)]
pub(super) fn build_directly(
    conf: &Conf,
    context: &AppContext,
    profile: &ResourceProfile,
    id: ExecutorId,
    seed: u128,
) -> Result<StampedPod, SpecError> {
    let prefix = context.pod_name_prefix.as_str();
    let built = build(&Request {
        conf,
        context,
        profile,
        executor: Executor::Real { prefix, id, seed },
    })?;
    let claims = built.claims.iter();
    Ok(StampedPod {
        name: names::pod_name(prefix, id),
        body: built.pod.into_bytes(),
        claims: claims
            .filter_map(|claim| VolumeClaim::new(serde_json::from_str(claim).ok()?))
            .collect(),
    })
}
