using System.Security.Cryptography;
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

    /// <summary>First line: the secret by which the guest's zguest is known.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>
    /// First line: when the machine was made, in milliseconds of <see cref="Environment.TickCount64"/>, which goes on over a restart of the node.
    /// </summary>
    public long? BornMs { get; init; }

    /// <summary>First line: the guest's memory in bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>First line: bytes of memory that are kept for the machine whatever others do.</summary>
    public long? ReservedBytes { get; init; }

    /// <summary>zguest has its spec: from here on only who knows the secret is heard.</summary>
    public bool? Claimed { get; init; }

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
    private byte[] _secret = [];

    private MachineRecord(FileDescriptor file) => File = file;

    /// <summary>The file, to keep at PID 1.</summary>
    public FileDescriptor File { get; }

    /// <summary>The machine.</summary>
    public WorkloadId Id { get; private set; }

    /// <summary>When the machine was made, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long BornMs { get; private set; }

    /// <summary>The guest's memory in bytes.</summary>
    public long MemoryBytes { get; private set; }

    /// <summary>Bytes of memory that are kept for the machine, its monitor included.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>zguest was told to ask how its workload is.</summary>
    public bool HasHealth { get; private set; }

    /// <summary>zguest has its spec, and with it the secret; no workload ran before.</summary>
    public bool Claimed { get; private set; }

    /// <summary>What is sent with the spec, and with nothing else.</summary>
    public ReadOnlySpan<byte> Secret => _secret;

    /// <summary>How the workload ended, if it did.</summary>
    public GuestExited? Exited { get; private set; }

    /// <summary>Why setting up failed, if it did.</summary>
    public GuestFailure? Failed { get; private set; }

    /// <summary>Begins the record of a new machine.</summary>
    public static MachineRecord Create(WorkloadId id, GuestSpec spec, long memoryBytes, long reservedBytes)
    {
        MachineRecord record = new(FileDescriptor.Memory("machine"));
        record.Add(new MachineFact
        {
            Tenant = id.Tenant,
            Deployment = id.Deployment,
            Name = id.Name,
            Spec = spec,
            Secret = RandomNumberGenerator.GetBytes(GuestProtocol.SecretBytes),
            BornMs = Environment.TickCount64,
            MemoryBytes = memoryBytes,
            ReservedBytes = reservedBytes,
        });
        return record;
    }

    /// <summary>Reads the record a former node left; takes the descriptor. Null if its first line is not whole.</summary>
    public static MachineRecord? TryRead(FileDescriptor file)
    {
        if (!TryReadBytes(file, out byte[] bytes))
            return null;
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
        return record._secret.Length != GuestProtocol.SecretBytes || record.Id.Name is null ? null : record;
    }

    /// <summary>What zguest is told; read from the file, because it is needed once and may be large.</summary>
    public GuestSpec ReadSpec()
    {
        if (!TryReadBytes(File, out byte[] bytes))
            throw new InvalidDataException("the machine's record is too long");
        return JsonSerializer.Deserialize(bytes.AsSpan(0, bytes.AsSpan().IndexOf((byte)'\n')), MachineJson.Default.MachineFact)!.Spec!;
    }

    /// <summary>Whether these bytes are the secret; takes the same time whatever they are.</summary>
    public bool IsSecret(ReadOnlySpan<byte> shown) => CryptographicOperations.FixedTimeEquals(shown, _secret);

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
        if (fact is { Tenant: { } tenant, Deployment: { } deployment, Name: { } name, Spec: not null, Secret: { } secret, BornMs: { } born })
        {
            (Id, _secret, BornMs) = (new WorkloadId(tenant, deployment, name), secret, born);
            (MemoryBytes, ReservedBytes) = (fact.MemoryBytes ?? 0, fact.ReservedBytes ?? 0);
            HasHealth = fact.Spec.Health is not null;
        }
        Claimed |= fact.Claimed ?? false;
        Exited = fact.Exited ?? Exited;
        Failed = fact.Failed ?? Failed;
    }

    private static bool TryReadBytes(FileDescriptor file, out byte[] bytes)
    {
        long length = file.Length;
        bytes = length is 0 or > MaxBytes ? [] : new byte[length];
        if (bytes.Length == 0)
            return false;
        file.ReadExactlyAt(bytes, 0);
        return true;
    }
}

/// <summary>JSON of a machine's record.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineFact))]
internal sealed partial class MachineJson : JsonSerializerContext;
