//! Unix sockets.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use driftgauge::socket::Listener;
use driftgauge::socket::UnixSocket;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_unix_socket_serves_with_its_mode_and_goes_at_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("push.sock");
    let address = format!("unix:{}", path.display());
    let server = Server::start_at(&address, 100, Limits::default()).await;
    assert_eq!(mode(&path), 0o660);
    let mut service = server.service().await;
    let response = service.observe(request(1, 3)).await.unwrap().into_inner();
    assert_eq!(response.accepted_rows, 3);
    drop(service);
    server.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("push.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left behind");
    let socket = UnixSocket::bind(&path, 0o600).await.unwrap();
    assert_eq!(mode(&path), 0o600);
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_somebody_answers_on_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("push.sock");
    let first = UnixSocket::bind(&path, 0o660).await.unwrap();
    let error = UnixSocket::bind(&path, 0o660).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains("push.sock"), "{error}");
    assert!(path.exists());
    drop(first);
}

#[tokio::test]
async fn a_path_that_is_no_socket_is_left_alone_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "precious").unwrap();
    let address = format!("unix:{}", path.display());
    let error = Listener::bind(&address, 0o660).await.unwrap_err();
    assert!(error.to_string().contains("no socket"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_socket_file_that_is_no_longer_ours_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("push.sock");
    let socket = UnixSocket::bind(&path, 0o660).await.unwrap();
    fs::remove_file(&path).unwrap();
    // Kept until then, so that the file system does not give the number away again.
    let other = folder.path().join("other.sock");
    let new = std::os::unix::net::UnixListener::bind(&other).unwrap();
    fs::rename(&other, &path).unwrap();
    drop(socket);
    assert!(path.exists());
    drop(new);
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_it() {
    let first = Listener::bind("127.0.0.1:0", 0).await.unwrap();
    let error = Listener::bind(&first.to_string(), 0).await.unwrap_err();
    assert!(error.to_string().contains(&first.to_string()), "{error}");
}
