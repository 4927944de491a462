//! Executor pods as bytes: built once per profile, stamped per executor.

use super::blueprint::{Blueprint, Dynamic};
use super::local_dirs::LocalDirs;
use super::{AppContext, ResourceProfile, SpecError, VolumeClaim, env, names};
use crate::conf::{Conf, keys};
use crate::ids::ExecutorId;

/// The executor pod of a profile, lacking only what differs between executors.
#[derive(Debug, Clone)]
pub struct PodStamp {
    prefix: String,
    local_dirs: LocalDirs,
    segments: Vec<Segment>,
    /// Bytes of the fixed segments.
    fixed_len: usize,
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

/// A piece of the JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Fixed(Box<str>),
    ExecutorId,
    Name,
    Hostname,
    Dirs,
    Dir(usize),
}

impl PodStamp {
    /// Builds the pod of a profile. Fails where the configuration describes none, so that no executor fails later.
    pub fn build(
        conf: &Conf,
        context: &AppContext,
        profile: &ResourceProfile,
    ) -> Result<PodStamp, SpecError> {
        let blueprint = Blueprint::new(conf, context, profile)?;
        let prefix = context.pod_name_prefix.clone();
        let sample = real(&prefix, &blueprint.local_dirs, ExecutorId(1), 0);
        let plain = blueprint.pod(&sample)?.to_string();
        // The two pods differ in nothing but the dynamic texts. A character that does not occur in the plain one
        // occurs in the other exactly where a dynamic text begins or ends.
        let mark = unused_char(&plain);
        let marked = blueprint
            .pod(&marked(mark, blueprint.local_dirs.len()))?
            .to_string();
        let segments: Vec<Segment> = marked
            .split(mark)
            .zip([false, true].into_iter().cycle())
            .map(segment)
            .collect();
        let fixed_len = segments
            .iter()
            .map(|piece| {
                if let Segment::Fixed(text) = piece {
                    text.len()
                } else {
                    0
                }
            })
            .sum();
        let local_dirs = blueprint.local_dirs;
        let stamp = PodStamp {
            prefix,
            local_dirs,
            segments,
            fixed_len,
            warnings: warnings(conf),
        };
        debug_assert_eq!(stamp.stamp(ExecutorId(1), 0).body, plain.into_bytes());
        Ok(stamp)
    }

    /// The pod of an executor. `seed`: random bits that no other executor has; they make the name of the default
    /// local directory or the order of configured ones.
    pub fn stamp(&self, executor: ExecutorId, seed: u128) -> StampedPod {
        let mut dynamic = real(&self.prefix, &self.local_dirs, executor, seed);
        for text in dynamic.dirs.iter_mut().chain([&mut dynamic.joined_dirs]) {
            *text = json_escaped(text);
        }
        // The other texts consist of letters, digits, '-', '.' and '_'.
        let mut body = Vec::with_capacity(self.fixed_len + 1024);
        for segment in &self.segments {
            let text = match segment {
                Segment::Fixed(text) => text,
                Segment::ExecutorId => dynamic.executor_id.as_str(),
                Segment::Name => &dynamic.name,
                Segment::Hostname => &dynamic.hostname,
                Segment::Dirs => &dynamic.joined_dirs,
                Segment::Dir(index) => dynamic.dirs.get(*index).map_or("", String::as_str),
            };
            body.extend_from_slice(text.as_bytes());
        }
        StampedPod {
            name: dynamic.name,
            body,
            claims: Vec::new(),
        }
    }

    /// Name of the pod of an executor.
    pub fn pod_name(&self, executor: ExecutorId) -> String {
        names::pod_name(&self.prefix, executor)
    }

    /// What of the configuration was left out, to be logged once.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn warnings(conf: &Conf) -> Vec<String> {
    conf.prefixed(&keys::EXECUTOR_ENV_PREFIX)
        .filter(|(name, _)| !env::is_valid_name(name))
        .map(|(name, _)| {
            format!(
                "Invalid key: spark.executorEnv.{name}, a valid environment variable name must consist of \
                 alphabetic characters, digits, '_', '-', or '.', and must not start with a digit; left out"
            )
        })
        .collect()
}

/// The dynamic texts of an executor.
fn real(prefix: &str, local_dirs: &LocalDirs, executor: ExecutorId, seed: u128) -> Dynamic {
    let name = names::pod_name(prefix, executor);
    let dirs = local_dirs.of_executor(seed);
    Dynamic {
        executor_id: executor.to_string(),
        hostname: names::hostname(&name),
        joined_dirs: dirs.join(","),
        name,
        dirs,
    }
}

/// Stand-ins for the dynamic texts: a letter or number between two marks.
fn marked(mark: char, dirs: usize) -> Dynamic {
    let between = |code: &str| format!("{mark}{code}{mark}");
    Dynamic {
        executor_id: between("id"),
        name: between("name"),
        hostname: between("host"),
        joined_dirs: between("dirs"),
        dirs: (0..dirs).map(|index| between(&index.to_string())).collect(),
    }
}

fn segment((text, between_marks): (&str, bool)) -> Segment {
    match text {
        _ if !between_marks => Segment::Fixed(text.into()),
        "id" => Segment::ExecutorId,
        "name" => Segment::Name,
        "host" => Segment::Hostname,
        "dirs" => Segment::Dirs,
        index => index
            .parse()
            .map_or_else(|_| Segment::Fixed(text.into()), Segment::Dir),
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
    executor: ExecutorId,
    seed: u128,
) -> Result<(String, serde_json::Value), SpecError> {
    let blueprint = Blueprint::new(conf, context, profile)?;
    let of = real(&context.pod_name_prefix, &blueprint.local_dirs, executor, seed);
    let pod = blueprint.pod(&of)?;
    Ok((of.name, pod))
}
