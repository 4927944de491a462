//! What a request asks of the API server.

use http::{Method, Uri};

/// A verb as RBAC and the audit log name it; the further pages of a list and watches that begin with a list are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// One object.
    Get,
    /// The first page of a list.
    List,
    /// A further page of a list.
    Continue,
    /// A watch.
    Watch,
    /// A watch that begins with a list.
    WatchList,
    /// `POST`
    Create,
    /// `PATCH` or `PUT`
    Update,
    /// One object is deleted.
    Delete,
    /// All objects that a selector finds are deleted.
    DeleteCollection,
}

impl Verb {
    /// All of them.
    pub const ALL: [Verb; 9] = [
        Verb::Get,
        Verb::List,
        Verb::Continue,
        Verb::Watch,
        Verb::WatchList,
        Verb::Create,
        Verb::Update,
        Verb::Delete,
        Verb::DeleteCollection,
    ];
}

/// The kind of object it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Pods.
    Pods,
    /// `ConfigMap`s.
    ConfigMaps,
    /// Anything else.
    Other,
}

/// A request to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// What is to be done.
    pub verb: Verb,
    /// To what.
    pub kind: Kind,
}

impl Call {
    /// Reads a request of the core API group in a namespace.
    pub fn of(method: &Method, uri: &Uri) -> Self {
        let mut path = uri.path().trim_start_matches('/').split('/').skip(4);
        let kind = match path.next() {
            Some("pods") => Kind::Pods,
            Some("configmaps") => Kind::ConfigMaps,
            _ => Kind::Other,
        };
        let named = path.next().is_some();
        let has = |name: &str| {
            uri.query()
                .unwrap_or_default()
                .split('&')
                .any(|pair| pair.split('=').next() == Some(name))
        };
        let verb = match *method {
            Method::POST => Verb::Create,
            Method::PUT | Method::PATCH => Verb::Update,
            Method::DELETE if named => Verb::Delete,
            Method::DELETE => Verb::DeleteCollection,
            _ if named => Verb::Get,
            _ if has("sendInitialEvents") => Verb::WatchList,
            _ if has("watch") => Verb::Watch,
            _ if has("continue") => Verb::Continue,
            _ => Verb::List,
        };
        Self { verb, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let call = |method: Method, path: &str| {
            let call = Call::of(
                &method,
                &format!("/api/v1/namespaces/spark/{path}").parse().unwrap(),
            );
            (call.verb, call.kind)
        };
        assert_eq!(call(Method::GET, "pods/p"), (Verb::Get, Kind::Pods));
        assert_eq!(call(Method::GET, "pods?limit=500"), (Verb::List, Kind::Pods));
        assert_eq!(
            call(Method::GET, "pods?limit=500&continue=x"),
            (Verb::Continue, Kind::Pods)
        );
        assert_eq!(
            call(Method::GET, "pods?&watch=true&resourceVersion=7"),
            (Verb::Watch, Kind::Pods)
        );
        assert_eq!(
            call(Method::GET, "pods?&watch=true&sendInitialEvents=true"),
            (Verb::WatchList, Kind::Pods)
        );
        assert_eq!(
            call(Method::POST, "configmaps?"),
            (Verb::Create, Kind::ConfigMaps)
        );
        assert_eq!(call(Method::PATCH, "pods/p"), (Verb::Update, Kind::Pods));
        assert_eq!(call(Method::DELETE, "pods/p"), (Verb::Delete, Kind::Pods));
        assert_eq!(
            call(Method::DELETE, "pods?labelSelector=a"),
            (Verb::DeleteCollection, Kind::Pods)
        );
        assert_eq!(call(Method::GET, "secrets/s"), (Verb::Get, Kind::Other));
    }
}
