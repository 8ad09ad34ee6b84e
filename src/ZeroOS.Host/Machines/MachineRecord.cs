using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>One line of a machine's record: who it is and what it shall become (the first line), or what happened to it.</summary>
internal sealed record MachineFact
{
    /// <summary>First line: the tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>First line: the deployment.</summary>
    public string? Deployment { get; init; }

    /// <summary>First line: the workload.</summary>
    public string? Name { get; init; }

    /// <summary>First line: what zguest is told.</summary>
    public GuestSpec? Spec { get; init; }

    /// <summary>The workload runs.</summary>
    public bool? Started { get; init; }

    /// <summary>The workload ended.</summary>
    public GuestExited? Exited { get; init; }

    /// <summary>Setting up failed.</summary>
    public GuestFailure? Failed { get; init; }
}

/// <summary>
/// What must be known of a machine after the node has died: a small file in memory that PID 1 keeps a duplicate of. It only ever grows by whole lines, so a
/// node that dies while writing loses at most the line it was about to acknowledge.
/// </summary>
internal sealed class MachineRecord : IDisposable
{
    private const int MaxBytes = 4 << 20;
    private readonly Lock _lock = new();

    private MachineRecord(FileDescriptor file) => File = file;

    /// <summary>The file, to keep at PID 1.</summary>
    public FileDescriptor File { get; }

    /// <summary>The machine.</summary>
    public WorkloadId Id { get; private set; }

    /// <summary>What zguest is told.</summary>
    public GuestSpec Spec { get; private set; } = null!;

    /// <summary>The workload ran.</summary>
    public bool Started { get; private set; }

    /// <summary>How the workload ended, if it did.</summary>
    public GuestExited? Exited { get; private set; }

    /// <summary>Why setting up failed, if it did.</summary>
    public GuestFailure? Failed { get; private set; }

    /// <summary>Begins the record of a new machine.</summary>
    public static MachineRecord Create(WorkloadId id, GuestSpec spec)
    {
        MachineRecord record = new(FileDescriptor.Memory("machine"));
        record.Add(new MachineFact { Tenant = id.Tenant, Deployment = id.Deployment, Name = id.Name, Spec = spec });
        return record;
    }

    /// <summary>Reads the record a former node left; takes the descriptor. Null if its first line is not whole.</summary>
    public static MachineRecord? TryRead(FileDescriptor file)
    {
        long length = file.Length;
        if (length is 0 or > MaxBytes)
            return null;
        byte[] bytes = new byte[length];
        file.ReadExactlyAt(bytes, 0);
        MachineRecord record = new(file);
        // A last line without its end was never acted upon.
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n')[..^1];
        try
        {
            foreach (string line in lines)
                record.Apply(JsonSerializer.Deserialize(line, MachineJson.Default.MachineFact)!);
        }
        catch (JsonException)
        {
            return null;
        }
        return record.Spec is null || record.Id.Name is null ? null : record;
    }

    /// <summary>Adds what happened; when it returns, the next node will know it.</summary>
    public void Add(MachineFact fact)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(fact, MachineJson.Default.MachineFact), (byte)'\n'];
        lock (_lock)
        {
            File.WriteAt(line, File.Length);
            Apply(fact);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => File.Dispose();

    private void Apply(MachineFact fact)
    {
        if (fact is { Tenant: { } tenant, Deployment: { } deployment, Name: { } name, Spec: { } spec })
            (Id, Spec) = (new WorkloadId(tenant, deployment, name), spec);
        Started |= fact.Started ?? false;
        Exited = fact.Exited ?? Exited;
        Failed = fact.Failed ?? Failed;
    }
}

/// <summary>JSON of a machine's record.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineFact))]
internal sealed partial class MachineJson : JsonSerializerContext;
