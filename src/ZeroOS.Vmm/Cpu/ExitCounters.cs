namespace ZeroOS.Vmm.Cpu;

/// <summary>How often one processor came back from the guest, by reason. Written by its thread, read by others without order.</summary>
internal sealed class ExitCounters
{
    /// <summary>Port and memory accesses, halts, kicks, and everything else.</summary>
    public long Ports, Memory, Halts, Kicks, Others;
}
