using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Monitor;

/// <summary>What is said on a monitor's control socket; one JSON object a seqpacket message.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MonitorVerb>))]
public enum MonitorVerb
{
    /// <summary>
    /// Node to monitor, first on every (re)connection: say your state, send open vsock connections again as closed, repeat open chunk requests.
    /// </summary>
    Hello,

    /// <summary>Node to monitor: press the power button (GED).</summary>
    PowerButton,

    /// <summary>Node to monitor: end now, as if the power went.</summary>
    Kill,

    /// <summary>Node to monitor: send <see cref="Statistics"/>.</summary>
    GetStatistics,

    /// <summary>
    /// Node to monitor: the guest should give up <see cref="MonitorMessage.BalloonBytes"/> of its memory, 0 for none. It does so in its own time.
    /// </summary>
    SetBalloon,

    /// <summary>Monitor to node: the state changed, or answers Hello. <see cref="MonitorMessage.State"/> is set.</summary>
    State,

    /// <summary>Monitor to node: answers GetStatistics.</summary>
    Statistics,

    /// <summary>
    /// Monitor to node: the guest connected to vsock <see cref="MonitorMessage.Port"/>; one descriptor beside it, the node's end of a stream socket.
    /// </summary>
    VsockAccepted,
}

/// <summary>Where a machine is in its life.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MachineState>))]
public enum MachineState
{
    /// <summary>Memory, devices and processors are being made.</summary>
    Building,

    /// <summary>The guest runs.</summary>
    Running,

    /// <summary>The guest has ended; the process is about to exit with a <see cref="MonitorExit"/> code.</summary>
    Ended,
}

/// <summary>One message of the control socket. Unset members are absent.</summary>
public sealed record MonitorMessage
{
    /// <summary>What is said.</summary>
    public required MonitorVerb Verb { get; init; }

    /// <summary>With State.</summary>
    public MachineState? State { get; init; }

    /// <summary>With State: one line, why.</summary>
    public string? Reason { get; init; }

    /// <summary>With VsockAccepted: the port the guest asked for.</summary>
    public uint? Port { get; init; }

    /// <summary>With SetBalloon: bytes, at most the machine's memory.</summary>
    public long? BalloonBytes { get; init; }

    /// <summary>
    /// With Statistics: counters by name (exits by reason, queue notifications, bytes, dropped serial bytes, bad chains, the balloon). What the guest says
    /// about its memory (<c>balloon.guest.*</c>) answers the question before: each GetStatistics asks it anew.
    /// </summary>
    public IReadOnlyDictionary<string, long>? Counters { get; init; }
}

/// <summary>The monitor's exit code: how its machine ended.</summary>
public enum MonitorExit
{
    /// <summary>The guest powered off.</summary>
    PoweredOff = 0,

    /// <summary>The guest asked for a reset.</summary>
    Reset = 10,

    /// <summary>The node asked for it.</summary>
    Killed = 11,

    /// <summary>A processor triple-faulted.</summary>
    TripleFault = 20,

    /// <summary>The guest kernel panicked.</summary>
    GuestPanic = 21,

    /// <summary>KVM could not go on (internal error, failed entry).</summary>
    KvmError = 22,

    /// <summary>The configuration was refused; nothing ran.</summary>
    BadConfig = 30,

    /// <summary>The monitor itself failed.</summary>
    MonitorFault = 31,
}

/// <summary>
/// The chunk socket, binary little-endian, 8 bytes: u32 chunk number, u32 code. Monitor to node: code 0, "I need it". Node to monitor: code 1, "its
/// verified bit is set"; code 2, "Hello: repeat what you still wait for" (after a restart of the node; chunk number 0).
/// </summary>
public static class ChunkMessage
{
    /// <summary>Bytes in a message.</summary>
    public const int Size = 8;

    /// <summary>Monitor to node: this chunk is needed.</summary>
    public const uint Need = 0;

    /// <summary>Node to monitor: this chunk's verified bit is set.</summary>
    public const uint Ready = 1;

    /// <summary>Node to monitor: repeat what you wait for.</summary>
    public const uint Hello = 2;
}

/// <summary>JSON of the monitor's contracts.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(VmConfig))]
[JsonSerializable(typeof(MonitorMessage))]
public sealed partial class MonitorJson : JsonSerializerContext;
