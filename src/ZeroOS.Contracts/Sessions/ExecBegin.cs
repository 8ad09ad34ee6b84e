using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// What an exec session is to run: the body of its begin, written by the tenant and read by zguest; nobody in between looks at it. What is left out is as the
/// workload has it.
/// </summary>
public sealed record ExecBegin
{
    /// <summary>The program and its arguments; at least one.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Variables, <c>NAME=value</c>, that go over the workload's own.</summary>
    public IReadOnlyList<string> Environment { get; set; } = [];

    /// <summary>User, or user:group, names or numbers; null: the workload's.</summary>
    public string? User { get; init; }

    /// <summary>Absolute path; null: the workload's.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>All capabilities.</summary>
    public bool Privileged { get; init; }

    /// <summary>Whether the client sends input; otherwise it is empty.</summary>
    public bool Input { get; init; }

    /// <summary>A terminal of this size; null: pipes.</summary>
    public TerminalSize? Terminal { get; init; }
}

/// <summary>Of a terminal, in characters.</summary>
public sealed record TerminalSize(ushort Columns, ushort Rows);

/// <summary>JSON of what begins sessions.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ExecBegin))]
[JsonSerializable(typeof(AttachBegin))]
[JsonSerializable(typeof(AttachedProgram))]
[JsonSerializable(typeof(CopyBegin))]
[JsonSerializable(typeof(CopyTarget))]
[JsonSerializable(typeof(ForwardSessionBegin))]
[JsonSerializable(typeof(ForwardBegin))]
[JsonSerializable(typeof(ProcessesBegin))]
[JsonSerializable(typeof(ProcessList))]
public sealed partial class SessionJson : JsonSerializerContext;
