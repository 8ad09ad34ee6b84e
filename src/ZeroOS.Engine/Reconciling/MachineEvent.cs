using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

/// <summary>Something happened to a machine: its program runs (<see cref="End"/> is null), or it ended.</summary>
internal sealed record MachineEvent(WorkloadId Machine, MachineEnd? End);
