using System.Text.Json;
using System.Text.Json.Serialization;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// What <see cref="Enter"/> does in the child before it becomes its program; handed over as JSON in a memory file, descriptor <see cref="Descriptor"/>.
/// </summary>
internal sealed record EnterPlan
{
    /// <summary>Where the child reads it.</summary>
    public const int Descriptor = 3;

    /// <summary>Where the child writes a GuestFailure; closed without a word by a successful execve(2).</summary>
    public const int ReportDescriptor = 4;

    /// <summary>The workload's namespaces of mounts and of cgroups, for a child that <see cref="Joins"/>.</summary>
    public const int MountsDescriptor = 5, CgroupsDescriptor = 6;

    /// <summary>Where a child that <see cref="GivesTerminal"/> sends it.</summary>
    public const int TerminalDescriptor = 7;

    public required IReadOnlyList<string> Arguments { get; init; }

    public required IReadOnlyList<string> Environment { get; init; }

    public required string WorkingDirectory { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    public required IReadOnlyList<uint> Groups { get; init; }

    public required bool Privileged { get; init; }

    /// <summary>What it may have unless it is privileged, bit n for capability n.</summary>
    public required ulong Capabilities { get; init; }

    /// <summary>Limits beside the usual ones.</summary>
    public required IReadOnlyList<GuestLimit> Limits { get; init; }

    /// <summary>Bytes of /dev/shm, for the workload.</summary>
    public long ShmBytes { get; init; }

    /// <summary>The workload's root is read-only.</summary>
    public bool ReadOnlyRoot { get; init; }

    /// <summary>Process 1 is <see cref="InitProcess"/>, which starts the workload.</summary>
    public bool Init { get; init; }

    /// <summary>The folder of the cgroup that it runs in.</summary>
    public string Cgroup { get; init; } = WorkloadCgroup.Path;

    /// <summary>It is a program beside the workload, in its namespaces; otherwise it is the workload, and makes them.</summary>
    public bool Joins { get; init; }

    /// <summary>Its input is the terminal that controls it.</summary>
    public bool OnTerminal { get; init; }

    /// <summary>It makes that terminal itself, in its own devpts, and gives zguest the other side of it (<see cref="TerminalHandover"/>).</summary>
    public bool GivesTerminal { get; init; }

    /// <summary>Reads it where the child has it, and leaves it open.</summary>
    /// <exception cref="SetupException">It is not there.</exception>
    public static EnterPlan Read()
    {
        FileDescriptor file = new(Descriptor);
        byte[] bytes = new byte[file.Length];
        file.ReadExactlyAt(bytes, 0);
        file.SetHandleAsInvalid();
        return JsonSerializer.Deserialize(bytes, EnterJson.Default.EnterPlan) ?? throw new SetupException("exec", "the plan is empty");
    }
}

[JsonSerializable(typeof(EnterPlan))]
internal sealed partial class EnterJson : JsonSerializerContext;
