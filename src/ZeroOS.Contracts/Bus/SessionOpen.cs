namespace ZeroOS.Contracts.Bus;

/// <summary>
/// Body of zos.session.open, which is sent by <c>POST /session</c>: what authority needs to know. What is to be done comes in the session itself.
/// </summary>
public sealed record SessionOpen
{
    /// <summary>What kind of session: a name of <see cref="SessionKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }

    /// <summary>The client's fresh X25519 public key, 32 bytes, base64.</summary>
    public required string Key { get; init; }
}

/// <summary>The answer to zos.session.open: both ends derive their keys from it and from the opening, as they were signed.</summary>
public sealed record SessionOpened
{
    /// <summary>A name for the node's log and for people.</summary>
    public required string Session { get; init; }

    /// <summary>The node's fresh X25519 public key, 32 bytes, base64.</summary>
    public required string Key { get; init; }
}

/// <summary>Kinds of sessions.</summary>
public static class SessionKinds
{
    /// <summary>
    /// A program beside the workload: channel 0 is its input, with its resizes and signals, and its exit; 1 its output, 2 its errors. With a terminal both are
    /// on channel 1.
    /// </summary>
    public const string Exec = "exec";

    /// <summary>
    /// The workload itself, with other clients that do the same: begun by an <c>AttachBegin</c>. Channel 0 first says how the program stands, an
    /// <c>AttachedProgram</c>, to the end of what comes there; otherwise the channels are as those of <see cref="Exec"/>.
    /// </summary>
    public const string Attach = "attach";

    /// <summary>Files of the machine as one tar stream, on channel 1; begun by a <c>CopyBegin</c>. Nothing comes on channel 0.</summary>
    public const string CopyOut = "copy-out";

    /// <summary>
    /// Files into the machine: begun by a <c>CopyBegin</c>. Channel 1 first says by a line what is at the path, a <c>CopyTarget</c>; then channel 0 is one tar
    /// stream, which is unpacked when it has ended and is whole. The session is done when all of it is there.
    /// </summary>
    public const string CopyIn = "copy-in";

    /// <summary>
    /// Connections to programs that listen in the machine: begun by a <c>ForwardSessionBegin</c>. It has no channel from its beginning; each that the client
    /// opens, by a <c>ForwardBegin</c>, is one connection.
    /// </summary>
    public const string Forward = "forward";

    /// <summary>
    /// What runs in the machine: begun by a <c>ProcessesBegin</c>. All of channel 1 is one JSON document, a <c>ProcessList</c>. Nothing comes on channel 0.
    /// </summary>
    public const string Processes = "processes";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Exec, Attach, CopyOut, CopyIn, Forward, Processes];
}
