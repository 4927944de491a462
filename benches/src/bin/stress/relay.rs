//! A relay of TCP connections to the API server: it adds latency, and counts the bytes. What it passes on stays encrypted, so
//! that it costs next to nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Most of one piece.
const PIECE: usize = 64 * 1024;
/// Pieces on their way in one direction of a connection: more than any latency here can hold back.
const ON_THE_WAY: usize = 4096;

/// Bytes that went through.
#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
}

/// A running relay; ends with the value.
pub(crate) struct Relay {
    address: SocketAddr,
    counters: Arc<Counters>,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// Relays to this address, with this much added to the way there and back.
    pub(crate) async fn start(to: SocketAddr, latency: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let counters = Arc::<Counters>::default();
        let accepting = tokio::spawn({
            let counters = Arc::clone(&counters);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(connection(client, to, latency / 2, Arc::clone(&counters)));
                }
            }
        });
        Ok(Self {
            address,
            counters,
            accepting,
        })
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes from clients to the API server so far, and back.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let Counters { sent, received } = &*self.counters;
        (sent.load(Ordering::Relaxed), received.load(Ordering::Relaxed))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(
    client: TcpStream,
    to: SocketAddr,
    delay: Duration,
    counters: Arc<Counters>,
) -> io::Result<()> {
    let server = TcpStream::connect(to).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        direction(from_client, to_server, delay, &counters.sent),
        direction(from_server, to_client, delay, &counters.received),
    )?;
    Ok(())
}

/// Passes pieces on, each so much later than it came.
async fn direction(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
    count: &AtomicU64,
) -> io::Result<()> {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Bytes)>(ON_THE_WAY);
    let read = async move {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(PIECE);
            let length = from.read_buf(&mut buffer).await?;
            let piece = (Instant::now() + delay, buffer.split().freeze());
            if length == 0 || sender.send(piece).await.is_err() {
                return io::Result::Ok(());
            }
            count.fetch_add(length as u64, Ordering::Relaxed);
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            if !delay.is_zero() {
                tokio::time::sleep_until(due).await;
            }
            to.write_all(&piece).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_late_whole_and_counted() {
        const LATENCY: Duration = Duration::from_millis(40);
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let relay = Relay::start(server.local_addr().unwrap(), LATENCY).await.unwrap();
        let echo = async {
            let (mut socket, _) = server.accept().await.unwrap();
            let mut said = [0; 5];
            socket.read_exact(&mut said).await.unwrap();
            socket.write_all(&[&said[..], b"!"].concat()).await.unwrap();
        };
        let ask = async {
            let mut socket = TcpStream::connect(relay.address()).await.unwrap();
            let start = Instant::now();
            socket.write_all(b"hello").await.unwrap();
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).await.unwrap();
            (answer, start.elapsed())
        };
        let ((), (answer, took)) = tokio::join!(echo, ask);
        assert_eq!(answer, b"hello!");
        assert!(took >= LATENCY, "{took:?}");
        assert_eq!(relay.bytes(), (5, 6));
    }
}
