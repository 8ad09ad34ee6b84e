namespace ZeroOS.Init;

/// <summary>What the kernel holds a control group to, whatever the programs in it do.</summary>
/// <param name="MemoryBytes">Memory with all that is cached, 0: no limit.</param>
/// <param name="Threads">Threads and processes.</param>
/// <param name="CpuWeight">Share of the processors when they are busy, 1 to 10,000.</param>
/// <param name="IoWeight">Share of the disks when they are busy, 1 to 10,000.</param>
/// <param name="Processors">Processors at most, busy or not; 0: no limit.</param>
internal readonly record struct GroupLimits(long MemoryBytes, int Threads, int CpuWeight, int IoWeight, int Processors);
