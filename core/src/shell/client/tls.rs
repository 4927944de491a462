//! TLS: rustls with ring.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::client::ConfigExt as _;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use secrecy::ExposeSecret as _;

use super::ClientError;
use crate::shell::access::{Access, Pem};

/// Enters certificates and keys into kube's configuration. A CA file is watched by kube: read again about
/// once a minute.
pub(super) fn set_files(config: &mut kube::Config, access: &Access) -> Result<(), ClientError> {
    if let Some(identity) = &access.identity {
        let auth = &mut config.auth_info;
        match &identity.certificate {
            Pem::Data(data) => auth.client_certificate_data = Some(data.expose_secret().to_owned()),
            Pem::File(path) => auth.client_certificate = Some(text(path)),
        }
        match &identity.key {
            Pem::Data(data) => auth.client_key_data = Some(data.clone()),
            Pem::File(path) => auth.client_key = Some(text(path)),
        }
    }
    if access.insecure {
        // No certificate is looked at: the platform need not have any root.
        config.root_cert = Some(Vec::new());
        return Ok(());
    }
    match &access.ca {
        None => {}
        Some(Pem::Data(data)) => {
            let pem = STANDARD
                .decode(data.expose_secret().trim())
                .map_err(|_| not_pem())?;
            config.root_cert = Some(certificates(&pem)?);
        }
        Some(Pem::File(path)) => {
            let what = "the certificate authority";
            let pem = std::fs::read(path).map_err(|source| ClientError::File {
                what,
                path: path.clone(),
                source,
            })?;
            config.root_cert = Some(certificates(&pem)?);
            config.root_cert_file = Some(path.clone());
        }
    }
    Ok(())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn not_pem() -> ClientError {
    ClientError::Pem {
        what: "the certificate authority",
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, ClientError> {
    let found: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| not_pem())?;
    if found.is_empty() {
        Err(not_pem())
    } else {
        Ok(found)
    }
}

/// The TLS configuration. For an API server without TLS it is never used, and asks nothing of the platform.
pub(super) async fn client_config(config: &kube::Config, needed: bool) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(ring::default_provider());
    if !needed {
        return Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError::Tls(Box::new(error)))?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth());
    }
    // kube's builder takes the default of this library's own copy of rustls: it is named here rather than
    // derived from crate features. Nobody else in the process sees it.
    let _ = ring::default_provider().install_default();
    let for_kube = config.clone();
    // Reads files, and may run an exec plugin for a client certificate.
    let made = tokio::task::spawn_blocking(move || for_kube.rustls_client_config()).await;
    let mut tls = made
        .map_err(|error| ClientError::Tls(Box::new(error)))?
        .map_err(|error| ClientError::Tls(Box::new(error)))?;
    if config.accept_invalid_certs {
        tracing::warn!(
            server = %config.cluster_url,
            "the API server's certificate is not verified, because spark.kubernetes.trust.certificates or the \
             kubeconfig says so"
        );
        tls.dangerous()
            .set_certificate_verifier(Arc::new(Unverified(provider)));
    }
    Ok(tls)
}

/// Takes any server certificate, as the user asked, without a log line for each connection.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
