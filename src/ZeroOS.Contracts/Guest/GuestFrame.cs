using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Guest;

/// <summary>
/// The protocol between zguest and the node on one vsock connection that zguest opens to the host's port <see cref="Port"/>, and opens again whenever it
/// breaks. A frame is u32 payload length, u8 type, u32 stream, payload; little-endian; at most <see cref="MaxPayload"/> bytes of payload.
/// The node treats everything that comes from the guest as hostile and bounded.
/// </summary>
public static class GuestProtocol
{
    /// <summary>The host port zguest dials.</summary>
    public const uint Port = 1024;

    /// <summary>Bytes of a frame before its payload.</summary>
    public const int HeaderSize = 9;

    /// <summary>Payload bytes at most.</summary>
    public const int MaxPayload = 256 * 1024;

    /// <summary>Payload bytes of a frame from the guest at most: an offset and 16 KiB of output. The node keeps a part of such a frame for each machine.</summary>
    public const int MaxGuestPayload = sizeof(long) + MaxOutput;

    /// <summary>Output bytes in one Log frame at most.</summary>
    public const int MaxOutput = 16 * 1024;

    /// <summary>Bytes of the secret by which zguest is known from the workload's processes, who can dial the same port.</summary>
    public const int SecretBytes = 32;

    /// <summary>Bytes of output zguest keeps while nobody listens; older output is dropped and counted.</summary>
    public const int LogRingBytes = 1024 * 1024;
}

/// <summary>Frame types. JSON payloads name their type; others are raw.</summary>
public enum GuestFrameType : byte
{
    /// <summary>Guest: <see cref="GuestHello"/>, first on each connection.</summary>
    Hello = 1,

    /// <summary>
    /// Node: <see cref="GuestProtocol.SecretBytes"/> bytes, the machine's secret, then <see cref="GuestSpec"/>; when the guest's hello says it has none. The guest
    /// answers with <see cref="Claim"/>. Until it does, no workload runs, and a guest that lost the connection may ask again.
    /// </summary>
    Spec = 2,

    /// <summary>Node: u64, the offset in the log stream from which it wants to hear on. Sent after
    /// every hello with the secret and after <see cref="Claim"/>. The first one is also the permission to start the workload.</summary>
    LogsFrom = 3,

    /// <summary>Guest: u64 offset, then output bytes. Stream 1 is stdout, 2 is stderr; both share one offset.</summary>
    Log = 4,

    /// <summary>Guest: <see cref="GuestStarted"/>.</summary>
    Started = 5,

    /// <summary>Guest: <see cref="GuestExited"/>; repeated on each connection until the node answers with <see cref="Acknowledge"/>.</summary>
    Exited = 6,

    /// <summary>Guest: <see cref="GuestFailure"/>: setting up failed, nothing ran; the guest powers off afterwards.</summary>
    Failed = 7,

    /// <summary>Node: <see cref="GuestStop"/>: stop signal, grace, then SIGKILL.</summary>
    Stop = 8,

    /// <summary>Node: i32 signal number for the workload.</summary>
    Signal = 9,

    /// <summary>Node: the exit is stored durably; the guest syncs its disks and powers off.</summary>
    Acknowledge = 10,

    /// <summary>Node: grow the file system of the disk whose serial is the payload (ASCII) to the device's size.</summary>
    GrowDisk = 11,

    /// <summary>Guest: the secret, once, after <see cref="Spec"/>: "I have it". From then on nobody without it is heard in this boot.</summary>
    Claim = 12,
}

/// <summary>First words of a guest.</summary>
public sealed record GuestHello
{
    /// <summary>Protocol version, 1.</summary>
    public required int Version { get; init; }

    /// <summary>Whether it already has its spec (the connection is a new one).</summary>
    public required bool HasSpec { get; init; }

    /// <summary>Whether the workload runs.</summary>
    public required bool Running { get; init; }

    /// <summary>The machine's secret, if it has its spec.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>Guest kernel time at zguest's first line, in microseconds.</summary>
    public long BootUs { get; init; }
}

/// <summary>The workload runs.</summary>
public sealed record GuestStarted
{
    /// <summary>Guest kernel time in microseconds.</summary>
    public required long BootUs { get; init; }
}

/// <summary>The workload ended.</summary>
public sealed record GuestExited
{
    /// <summary>Its exit code, or 128 plus the signal; 126 and 127 as Docker.</summary>
    public required int Code { get; init; }

    /// <summary>The signal, or 0.</summary>
    public int Signal { get; init; }

    /// <summary>The kernel killed it for want of memory.</summary>
    public bool OutOfMemory { get; init; }
}

/// <summary>Nothing ran, and why.</summary>
public sealed record GuestFailure
{
    /// <summary>The step: "root", "volume data", "network", "user", "exec".</summary>
    public required string Stage { get; init; }

    /// <summary>A sentence.</summary>
    public required string Message { get; init; }

    /// <summary>Docker's code for it: 125 set-up, 126 not executable, 127 not found.</summary>
    public int Code { get; set; } = 125;
}

/// <summary>Stop with grace.</summary>
public sealed record GuestStop
{
    /// <summary>"SIGTERM" or a number; null: the spec's.</summary>
    public string? Signal { get; init; }

    /// <summary>Milliseconds until SIGKILL.</summary>
    public required int GraceMs { get; init; }
}

/// <summary>JSON of the guest protocol.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(GuestSpec))]
[JsonSerializable(typeof(GuestHello))]
[JsonSerializable(typeof(GuestStarted))]
[JsonSerializable(typeof(GuestExited))]
[JsonSerializable(typeof(GuestFailure))]
[JsonSerializable(typeof(GuestStop))]
public sealed partial class GuestJson : JsonSerializerContext;
