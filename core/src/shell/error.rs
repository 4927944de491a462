//! Why an allocator did not start.

use thiserror::Error;

use crate::conf::ConfError;
use crate::plan::FatalKind;
use crate::spec::SpecError;

use super::access::AccessError;
use super::client::ClientError;

/// Why [`super::Allocator::start`] failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// No executor pod can be built from the configuration.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The address of the API server or the credentials cannot be resolved.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The client cannot be built: files of certificates or keys.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The operating system gives no threads or no random numbers.
    #[error(
        "the operating system refused what the allocator needs to run (threads, file descriptors, random numbers)"
    )]
    System(#[source] std::io::Error),
    /// Feature steps of users run in the JVM, and the command has none.
    #[error(
        "spark.kubernetes.executor.pod.featureSteps names {}, which only the JVM of a Spark driver can run; take it out \
         of the key to go on without",
        steps.join(", ")
    )]
    NeedsJvm {
        /// Class names.
        steps: Vec<String>,
    },
    /// Pods that a controller makes cannot be customised one by one.
    #[error(
        "spark.kubernetes.executor.pod.featureSteps names {steps}, which Stoker does not run for pods of a controller: \
         set spark.kubernetes.allocation.pods.allocator to direct, or spark.stoker.enabled to false"
    )]
    StepsOfController {
        /// Class names.
        steps: String,
    },
    /// The caller no longer wants it.
    #[error("the start was cancelled")]
    Cancelled,
    /// The API server or the cluster does not allow it.
    #[error("{message}")]
    Refused {
        /// Class of the failure.
        kind: FatalKind,
        /// Why, and what the user can do.
        message: String,
    },
}

impl StartError {
    /// The class of the failure; the JVM's exception carries its name.
    pub fn kind(&self) -> FatalKind {
        match self {
            Self::Conf(_)
            | Self::Spec(_)
            | Self::Access(_)
            | Self::Client(_)
            | Self::NeedsJvm { .. }
            | Self::StepsOfController { .. } => FatalKind::InvalidConfiguration,
            Self::System(_) | Self::Cancelled => FatalKind::Internal,
            Self::Refused { kind, .. } => *kind,
        }
    }

    /// Whether the same start may succeed later without a change of the configuration.
    pub fn is_retryable(&self) -> bool {
        self.kind() == FatalKind::Unreachable
    }
}
