//! The `Authorization` header, renewed while we run.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};
use kube::client::{AuthError, Body, ConfigExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, Service, ServiceExt as _, service_fn};

use super::ClientError;
use crate::shell::access::{Credentials, KubeconfigUser};

/// A token file is read again when what we have is older.
const TOKEN_AGE: Duration = Duration::from_mins(1);

/// Adds `Authorization`, and repeats a request once that was answered 401 if there are newer credentials.
#[derive(Debug, Clone)]
pub struct AuthLayer {
    held: Option<Arc<Mutex<Held>>>,
}

impl AuthLayer {
    /// Obtains the first credentials: reads the token file or runs the kubeconfig's plugin.
    pub async fn new(credentials: &Credentials) -> Result<Self, ClientError> {
        let source = match credentials {
            Credentials::None => return Ok(Self { held: None }),
            Credentials::Basic { username, password } => Source::Fixed(basic(
                username,
                password.expose_secret(),
                "the basic authentication",
            )?),
            Credentials::Token(token) => Source::Fixed(bearer(token)?),
            Credentials::TokenFile(path) => {
                let what = "the OAuth token";
                let token = read_token(path).await.map_err(|source| ClientError::File {
                    what,
                    path: path.clone(),
                    source,
                })?;
                Source::File {
                    path: path.clone(),
                    header: bearer(&token)?,
                    read_at: Instant::now(),
                }
            }
            Credentials::Kubeconfig(user) => Source::plugin(user.clone()).await?,
        };
        Ok(Self {
            held: Some(Arc::new(Mutex::new(Held {
                source,
                generation: 0,
            }))),
        })
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth {
            held: self.held.clone(),
            inner,
        }
    }
}

/// The service of [`AuthLayer`].
#[derive(Debug, Clone)]
pub struct Auth<S> {
    held: Option<Arc<Mutex<Held>>>,
    inner: S,
}

impl<S, B> Service<Request<Body>> for Auth<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
    B: Send,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let fresh = self.inner.clone();
        // The service that was polled ready is the one to call.
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let Some(held) = self.held.clone() else {
            return Box::pin(inner.call(request));
        };
        Box::pin(async move {
            let (header, generation) = held.lock().await.current().await?;
            let spare = copy(&request);
            authorize(&mut request, header);
            let answer = inner.call(request).await?;
            if answer.status() != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            let renewed = held.lock().await.renewed(generation).await;
            match (renewed, spare) {
                (Some(header), Some(mut again)) => {
                    drop(answer);
                    authorize(&mut again, Some(header));
                    inner.ready().await?.call(again).await
                }
                _ => Ok(answer),
            }
        })
    }
}

fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let body = request.body().try_clone()?;
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

fn authorize(request: &mut Request<Body>, header: Option<HeaderValue>) {
    if let Some(header) = header {
        request.headers_mut().insert(AUTHORIZATION, header);
    }
}

/// The credentials in use; `generation` counts their renewals, so that of many calls refused at once only one
/// renews.
#[derive(Debug)]
struct Held {
    source: Source,
    generation: u64,
}

impl Held {
    async fn current(&mut self) -> Result<(Option<HeaderValue>, u64), ClientError> {
        if let Source::File { read_at, .. } = &self.source
            && read_at.elapsed() >= TOKEN_AGE
        {
            self.reread().await;
        }
        let header = match &mut self.source {
            Source::Fixed(header) | Source::File { header, .. } => Some(header.clone()),
            Source::Plugin { headers, .. } => ask(headers).await?,
        };
        Ok((header, self.generation))
    }

    /// Credentials newer than those of `refused`, if there are any.
    async fn renewed(&mut self, refused: u64) -> Option<HeaderValue> {
        if self.generation == refused {
            self.reread().await;
        }
        if self.generation == refused {
            return None;
        }
        self.current().await.ok()?.0
    }

    /// Reads file or kubeconfig again. What cannot be read leaves the old credentials: a token file may be
    /// removed on purpose after the start.
    async fn reread(&mut self) {
        match &mut self.source {
            Source::Fixed(_) => {}
            Source::File {
                path,
                header,
                read_at,
            } => {
                *read_at = Instant::now();
                match read_token(path).await.ok().and_then(|token| bearer(&token).ok()) {
                    Some(new) if new == *header => {}
                    Some(new) => {
                        *header = new;
                        self.generation += 1;
                    }
                    None => {
                        let path = path.display();
                        tracing::warn!(%path, "cannot read the token file again; the last token stays in use");
                    }
                }
            }
            Source::Plugin { user, .. } => {
                let user = user.clone();
                let reloaded = tokio::task::spawn_blocking(move || user.reload()).await;
                let renewed = match reloaded {
                    Ok(Ok(user)) => Source::plugin(user).await,
                    Ok(Err(error)) => Err(ClientError::Reload(error)),
                    Err(error) => Err(ClientError::Plugin(Box::new(error))),
                };
                match renewed {
                    Ok(source) => {
                        self.source = source;
                        self.generation += 1;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot renew the credentials; the last ones stay in use");
                    }
                }
            }
        }
    }
}

type Headers = BoxCloneService<Request<Body>, Response<Option<HeaderValue>>, BoxError>;

/// Where the header comes from.
enum Source {
    Fixed(HeaderValue),
    File {
        path: PathBuf,
        header: HeaderValue,
        read_at: Instant,
    },
    /// kube's own layer, which runs exec plugins and minds their expiry, around a service that answers with
    /// the header it was given.
    Plugin {
        user: Box<KubeconfigUser>,
        headers: Headers,
    },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fixed(_) => "Fixed",
            Self::File { .. } => "File",
            Self::Plugin { .. } => "Plugin",
        })
    }
}

impl Source {
    async fn plugin(user: KubeconfigUser) -> Result<Self, ClientError> {
        let mut config = kube::Config::new(http::Uri::from_static("http://localhost"));
        config.auth_info = (*user.auth_info).clone();
        let token = &mut config.auth_info.token;
        *token = token.take().map(|token| token.expose_secret().trim().into());
        let layer = tokio::task::spawn_blocking(move || config.auth_layer())
            .await
            .map_err(|error| ClientError::Plugin(Box::new(error)))?
            .map_err(|error| ClientError::Plugin(without_output(error)))?;
        let echo = service_fn(|request: Request<Body>| async move {
            Ok::<_, BoxError>(Response::new(request.headers().get(AUTHORIZATION).cloned()))
        });
        let headers = match layer {
            Some(layer) => BoxCloneService::new(layer.layer(echo)),
            None => BoxCloneService::new(echo),
        };
        Ok(Self::Plugin {
            user: Box::new(user),
            headers,
        })
    }
}

async fn ask(headers: &mut Headers) -> Result<Option<HeaderValue>, ClientError> {
    let ready = headers.ready().await.map_err(failed_plugin)?;
    let answer = ready
        .call(Request::new(Body::empty()))
        .await
        .map_err(failed_plugin)?;
    Ok(answer.into_body())
}

fn failed_plugin(error: BoxError) -> ClientError {
    ClientError::Plugin(match error.downcast::<AuthError>() {
        Ok(error) => without_output(kube::Error::Auth(*error)),
        Err(other) => other,
    })
}

/// kube's errors show a plugin's command line, environment and output, all of which may hold secrets.
fn without_output(error: kube::Error) -> BoxError {
    match error {
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            format!("it ended with {}", out.status).into()
        }
        kube::Error::Auth(AuthError::AuthExecParse(_)) => "its output is no ExecCredential".into(),
        other => Box::new(other),
    }
}

async fn read_token(path: &Path) -> std::io::Result<SecretString> {
    tokio::fs::read_to_string(path).await.map(SecretString::from)
}

/// `Bearer TOKEN`, without the white space around the token that files tend to have.
fn bearer(token: &SecretString) -> Result<HeaderValue, ClientError> {
    let token = token.expose_secret().trim();
    if token.is_empty() {
        return Err(ClientError::Credential {
            what: "the OAuth token",
        });
    }
    sensitive(&format!("Bearer {token}"), "the OAuth token")
}

/// `Basic …`.
pub(super) fn basic(user: &str, password: &str, what: &'static str) -> Result<HeaderValue, ClientError> {
    sensitive(
        &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
        what,
    )
}

fn sensitive(value: &str, what: &'static str) -> Result<HeaderValue, ClientError> {
    let mut header = HeaderValue::from_str(value).map_err(|_| ClientError::Credential { what })?;
    header.set_sensitive(true);
    Ok(header)
}
