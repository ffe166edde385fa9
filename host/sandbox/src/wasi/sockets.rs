//! The network that there is none of. Some toolchains import every function of `wasi:sockets`,
//! whatever a guest does: those that could make a socket or look up a name refuse, and nobody can
//! come to the others.

use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};

use super::{instance, plain, resource, trap};
use crate::guest::Guest;

#[derive(Debug)]
struct Network;
#[derive(Debug)]
struct TcpSocket;
#[derive(Debug)]
struct UdpSocket;
#[derive(Debug)]
struct Incoming;
#[derive(Debug)]
struct Outgoing;
#[derive(Debug)]
struct Addresses;

#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "guests make these")]
enum AddressFamily {
    #[component(name = "ipv4")]
    V4,
    #[component(name = "ipv6")]
    V6,
}

/// WASI's words for what goes wrong; the second one is the only one that happens.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "the type has to name them")]
enum SocketError {
    #[component(name = "unknown")]
    Unknown,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "not-supported")]
    NotSupported,
    #[component(name = "invalid-argument")]
    InvalidArgument,
    #[component(name = "out-of-memory")]
    OutOfMemory,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "concurrency-conflict")]
    ConcurrencyConflict,
    #[component(name = "not-in-progress")]
    NotInProgress,
    #[component(name = "would-block")]
    WouldBlock,
    #[component(name = "invalid-state")]
    InvalidState,
    #[component(name = "new-socket-limit")]
    NewSocketLimit,
    #[component(name = "address-not-bindable")]
    AddressNotBindable,
    #[component(name = "address-in-use")]
    AddressInUse,
    #[component(name = "remote-unreachable")]
    RemoteUnreachable,
    #[component(name = "connection-refused")]
    ConnectionRefused,
    #[component(name = "connection-reset")]
    ConnectionReset,
    #[component(name = "connection-aborted")]
    ConnectionAborted,
    #[component(name = "datagram-too-large")]
    DatagramTooLarge,
    #[component(name = "name-unresolvable")]
    NameUnresolvable,
    #[component(name = "temporary-resolver-failure")]
    TemporaryResolverFailure,
    #[component(name = "permanent-resolver-failure")]
    PermanentResolverFailure,
}

/// What a socket could do if there were one.
const TCP: [&str; 26] = [
    "accept",
    "finish-bind",
    "finish-connect",
    "finish-listen",
    "hop-limit",
    "is-listening",
    "keep-alive-count",
    "keep-alive-enabled",
    "keep-alive-idle-time",
    "keep-alive-interval",
    "local-address",
    "receive-buffer-size",
    "remote-address",
    "send-buffer-size",
    "set-hop-limit",
    "set-keep-alive-count",
    "set-keep-alive-enabled",
    "set-keep-alive-idle-time",
    "set-keep-alive-interval",
    "set-listen-backlog-size",
    "set-receive-buffer-size",
    "set-send-buffer-size",
    "shutdown",
    "start-bind",
    "start-connect",
    "start-listen",
];
const UDP: [&str; 11] = [
    "finish-bind",
    "local-address",
    "receive-buffer-size",
    "remote-address",
    "send-buffer-size",
    "set-receive-buffer-size",
    "set-send-buffer-size",
    "set-unicast-hop-limit",
    "start-bind",
    "stream",
    "unicast-hop-limit",
];
const DATAGRAMS: [&str; 5] = [
    "incoming-datagram-stream.receive",
    "incoming-datagram-stream.subscribe",
    "outgoing-datagram-stream.check-send",
    "outgoing-datagram-stream.send",
    "outgoing-datagram-stream.subscribe",
];

type Refused<T> = Result<Resource<T>, SocketError>;

pub(super) fn define(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    resource::<Network>(&mut instance(linker, "wasi:sockets/network")?, "network")?;
    let mut networks = instance(linker, "wasi:sockets/instance-network")?;
    plain(&mut networks, "instance-network", |wasi, (): ()| wasi.push(Network))?;

    let mut tcp = instance(linker, "wasi:sockets/tcp")?;
    resource::<TcpSocket>(&mut tcp, "tcp-socket")?;
    for method in TCP.into_iter().chain(["subscribe"]) {
        tcp.func_new(&format!("[method]tcp-socket.{method}"), |_, _, _, _| Err(no_socket()))?;
    }
    let mut make = instance(linker, "wasi:sockets/tcp-create-socket")?;
    plain(&mut make, "create-tcp-socket", |_, (_,): (AddressFamily,)| {
        Ok(Refused::<TcpSocket>::Err(SocketError::AccessDenied))
    })?;

    let mut udp = instance(linker, "wasi:sockets/udp")?;
    resource::<UdpSocket>(&mut udp, "udp-socket")?;
    resource::<Incoming>(&mut udp, "incoming-datagram-stream")?;
    resource::<Outgoing>(&mut udp, "outgoing-datagram-stream")?;
    for method in UDP.into_iter().chain(["subscribe"]) {
        udp.func_new(&format!("[method]udp-socket.{method}"), |_, _, _, _| Err(no_socket()))?;
    }
    for method in DATAGRAMS {
        udp.func_new(&format!("[method]{method}"), |_, _, _, _| Err(no_socket()))?;
    }
    let mut make = instance(linker, "wasi:sockets/udp-create-socket")?;
    plain(&mut make, "create-udp-socket", |_, (_,): (AddressFamily,)| {
        Ok(Refused::<UdpSocket>::Err(SocketError::AccessDenied))
    })?;

    let mut names = instance(linker, "wasi:sockets/ip-name-lookup")?;
    resource::<Addresses>(&mut names, "resolve-address-stream")?;
    for method in ["resolve-next-address", "subscribe"] {
        let name = format!("[method]resolve-address-stream.{method}");
        names.func_new(&name, |_, _, _, _| Err(no_socket()))?;
    }
    plain(&mut names, "resolve-addresses", |_, (_, _): (Resource<Network>, String)| {
        Ok(Refused::<Addresses>::Err(SocketError::AccessDenied))
    })
}

/// A socket that was never made was used.
fn no_socket() -> wasmtime::Error {
    trap("it uses a socket, and there are none".to_owned())
}
