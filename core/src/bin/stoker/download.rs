//! Downloads a small file, within bounds.

use std::time::Duration;
use std::{error, io};

use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use thiserror::Error;

/// How much a download may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From the first packet to the last.
    pub(crate) time: Duration,
    /// Bytes.
    pub(crate) size: usize,
}

/// Of what a person writes: a pod has a few kilobytes.
pub(crate) const LIMITS: Limits = Limits {
    time: Duration::from_secs(30),
    size: 1 << 20,
};

/// Why a download failed.
#[derive(Debug, Error)]
pub(crate) enum DownloadError {
    /// The machine lacks something.
    #[error("cannot set up the connection")]
    System(#[source] io::Error),
    /// The server cannot be reached, or it broke the connection.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn error::Error + Send + Sync>),
    /// The server answered with something else than the file.
    #[error("the server answered {status}{}", location.as_ref().map(|to| format!("; use {to}")).unwrap_or_default())]
    Status {
        /// What it answered.
        status: StatusCode,
        /// Where it says the file is.
        location: Option<String>,
    },
    /// It is no template.
    #[error("it has more than {limit} bytes")]
    Size {
        /// Bytes.
        limit: usize,
    },
    /// It took too long.
    #[error("the server did not send it within {} s", limit.as_secs_f64())]
    Time {
        /// The limit.
        limit: Duration,
    },
}

/// The body of a GET, not compressed; redirects are not followed.
pub(crate) fn get(address: Uri, limits: Limits) -> Result<Vec<u8>, DownloadError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DownloadError::System)?;
    runtime.block_on(async {
        let body = async {
            if address.scheme_str() == Some("https") {
                let https = HttpsConnectorBuilder::new()
                    .with_provider_and_native_roots(ring::default_provider())
                    .map_err(DownloadError::System)?
                    .https_only()
                    .enable_http1()
                    .build();
                body(https, address, limits.size).await
            } else {
                body(HttpConnector::new(), address, limits.size).await
            }
        };
        tokio::time::timeout(limits.time, body)
            .await
            .unwrap_or(Err(DownloadError::Time { limit: limits.time }))
    })
}

async fn body<C>(connector: C, address: Uri, limit: usize) -> Result<Vec<u8>, DownloadError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
    let response = client
        .get(address)
        .await
        .map_err(|error| DownloadError::Connection(Box::new(error)))?;
    let status = response.status();
    if status != StatusCode::OK {
        let location = response.headers().get(http::header::LOCATION);
        return Err(DownloadError::Status {
            status,
            location: location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        });
    }
    match Limited::new(response.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(DownloadError::Size { limit }),
        Err(error) => Err(DownloadError::Connection(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const SMALL: Limits = Limits {
        time: Duration::from_mins(1),
        size: 8,
    };

    /// Answers one request with `answer`, then keeps the connection until the client ends it.
    fn serve(answer: &'static str) -> Uri {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = stream.read(&mut request);
        });
        format!("http://{address}/pod.yaml").parse().unwrap()
    }

    #[test]
    fn a_file_is_downloaded() {
        let address = serve("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nspec: {}");
        assert_eq!(get(address, SMALL).unwrap(), b"spec: {}");
    }

    #[test]
    fn too_much_is_refused() {
        let address =
            serve("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n");
        let error = get(address, SMALL).unwrap_err();
        assert!(matches!(error, DownloadError::Size { limit: 8 }), "{error}");
    }

    #[test]
    fn another_answer_is_an_error_that_says_where_to_look() {
        let error = get(
            serve("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
            SMALL,
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "the server answered 404 Not Found");
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://other/pod.yaml\r\ncontent-length: 0\r\n\r\n";
        let error = get(serve(moved), SMALL).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the server answered 302 Found; use http://other/pod.yaml"
        );
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let limits = Limits {
            time: Duration::from_millis(50),
            ..SMALL
        };
        let error = get(serve(""), limits).unwrap_err();
        assert!(matches!(error, DownloadError::Time { .. }), "{error}");
    }

    #[test]
    fn no_server_is_an_error() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = get(format!("http://{free}/").parse().unwrap(), SMALL).unwrap_err();
        assert!(matches!(error, DownloadError::Connection(_)), "{error}");
    }
}
