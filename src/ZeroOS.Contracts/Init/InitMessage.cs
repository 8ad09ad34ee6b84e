using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Init;

/// <summary>What is said between the node and PID 1; one JSON object a seqpacket message, descriptors beside it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InitVerb>))]
public enum InitVerb
{
    /// <summary>
    /// Node: start <see cref="InitMessage.Program"/> under <see cref="InitMessage.Name"/> in its jail; the descriptors beside it arrive there from 10 on, in
    /// order.
    /// </summary>
    Start,

    /// <summary>Node: send <see cref="InitMessage.Signal"/> to a process; one that has ended already is not an error.</summary>
    Kill,

    /// <summary>Node: keep the descriptors beside it under a name, instead of what was kept under it before.</summary>
    Keep,

    /// <summary>Node: close what is kept under a name; nothing there is not an error.</summary>
    Drop,

    /// <summary>Node: say everything there is: a Process for each process, a Kept for each name, then Done.</summary>
    HandOver,

    /// <summary>Node: the end of a process is stored; forget it.</summary>
    Acknowledge,

    /// <summary>Node: switch the computer off in order.</summary>
    PowerOff,

    /// <summary>Node: restart the computer in order.</summary>
    Restart,

    /// <summary>Node: the version on trial is kept; the computer need not go back to the one before.</summary>
    TrialKept,

    /// <summary>Node: it answers doors; PID 1 starts one and says Door.</summary>
    OpenDoor,

    /// <summary>Node: the door is broken; PID 1 ends it and starts another.</summary>
    ReplaceDoor,

    /// <summary>PID 1: a door has been started; the node's end of the link to it is beside. The one before is gone.</summary>
    Door,

    /// <summary>PID 1: answers the request with the same <see cref="InitMessage.Id"/>; <see cref="InitMessage.Error"/> says why not.</summary>
    Done,

    /// <summary>PID 1, during a hand-over: a process, ended if it has a Code or Signal.</summary>
    Process,

    /// <summary>PID 1, during a hand-over: what is kept under a name, duplicates beside it.</summary>
    Kept,

    /// <summary>PID 1: a process has ended; said again at each hand-over until acknowledged.</summary>
    Exited,

    /// <summary>PID 1: the computer is about to go down; stop the guests and end.</summary>
    Stopping,
}

/// <summary>The programs PID 1 starts for the node. What each may do is PID 1's own table; the node cannot ask for more.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JailedProgram>))]
public enum JailedProgram
{
    /// <summary>/zvmm: one machine's monitor. No network, empty root.</summary>
    Monitor,

    /// <summary>zeroos fetch: speaks with registries. The node's network, a root with name service and CA files.</summary>
    Fetch,

    /// <summary>zeroos fetch --convert: decompresses and converts. No network, empty root.</summary>
    Convert,
}

/// <summary>One message. Unset members are absent.</summary>
public sealed record InitMessage
{
    /// <summary>What is said.</summary>
    public required InitVerb Verb { get; init; }

    /// <summary>Pairs a request with its Done; 0 in what PID 1 says unasked.</summary>
    public uint Id { get; init; }

    /// <summary>Of a process or of kept descriptors: <see cref="InitLimits.IsName"/>.</summary>
    public string? Name { get; init; }

    /// <summary>With Start and Process.</summary>
    public JailedProgram? Program { get; init; }

    /// <summary>With Start: the program's arguments after its name.</summary>
    public IReadOnlyList<string>? Arguments { get; init; }

    /// <summary>With Start: memory limit in bytes of the process with all it caches.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>With Start of a monitor: bytes of the largest file it may write.</summary>
    public long? FileBytes { get; init; }

    /// <summary>With Start of a monitor: processors of its machine, by which its share is measured.</summary>
    public int? Processors { get; init; }

    /// <summary>With Start: which of the descriptors (from 0) is also its standard output and error; absent: they lead nowhere.</summary>
    public int? Output { get; init; }

    /// <summary>With Kill: the signal to send. With Exited and Process: the signal that ended it.</summary>
    public int? Signal { get; init; }

    /// <summary>With Exited and Process: its exit code.</summary>
    public int? Code { get; init; }

    /// <summary>With Process, and Done after Start: its process id.</summary>
    public int? Pid { get; init; }

    /// <summary>With Done: why the request was refused, a sentence.</summary>
    public string? Error { get; init; }
}

/// <summary>Bounds of the protocol; what is beyond is refused.</summary>
public static class InitLimits
{
    /// <summary>Processes at once, ended ones that are not acknowledged included.</summary>
    public const int MaxProcesses = 1024;

    /// <summary>Names under which descriptors are kept.</summary>
    public const int MaxKept = 1024;

    /// <summary>Arguments of a program.</summary>
    public const int MaxArguments = 8;

    /// <summary>Characters of one argument.</summary>
    public const int MaxArgumentLength = 256;

    /// <summary>The number under which a started program finds its first descriptor.</summary>
    public const int FirstDescriptor = 10;

    /// <summary>1 to 48 characters of a-z, 0-9 and '-', not beginning with '-': safe as a directory's name.</summary>
    public static bool IsName(string? name)
    {
        if (name is null || name.Length is 0 or > 48 || name[0] == '-')
            return false;
        foreach (char c in name)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
                return false;
        }
        return true;
    }
}

/// <summary>JSON of the protocol.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(InitMessage))]
public sealed partial class InitJson : JsonSerializerContext;
