//! How executors and the driver find each other.

use std::net::Ipv6Addr;

use super::SpecError;
use crate::conf::{Conf, keys};

/// On Kubernetes an executor's ports have these defaults, elsewhere in Spark 0.
const DEFAULT_DRIVER_PORT: i32 = 7078;
const DEFAULT_BLOCK_MANAGER_PORT: i32 = 7079;

/// `None` for port 0, which means any and cannot be a container port.
pub(super) fn block_manager_port(conf: &Conf) -> Result<Option<i32>, SpecError> {
    let port = if conf.is_set(&keys::BLOCK_MANAGER_PORT) {
        conf.get(&keys::BLOCK_MANAGER_PORT)?
    } else {
        DEFAULT_BLOCK_MANAGER_PORT
    };
    match port {
        0 => Ok(None),
        1024..65536 => Ok(Some(port)),
        _ => Err(SpecError::BlockManagerPort { port }),
    }
}

pub(super) fn driver_url(conf: &Conf) -> Result<String, SpecError> {
    let host = if conf.get(&keys::EXECUTOR_USE_DRIVER_POD_IP)? {
        conf.get(&keys::DRIVER_BIND_ADDRESS)?
    } else {
        conf.get(&keys::DRIVER_HOST)?
    };
    let host = host.ok_or(SpecError::MissingDriverHost)?;
    let port = if conf.is_set(&keys::DRIVER_PORT) {
        conf.get(&keys::DRIVER_PORT)?
    } else {
        DEFAULT_DRIVER_PORT
    };
    // An IPv6 address needs brackets in a URL.
    Ok(match host.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        Ok(address) => format!("spark://CoarseGrainedScheduler@[{address}]:{port}"),
        Err(_) => format!("spark://CoarseGrainedScheduler@{host}:{port}"),
    })
}
