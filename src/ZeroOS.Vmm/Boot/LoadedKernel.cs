namespace ZeroOS.Vmm.Boot;

/// <summary>How a kernel is entered.</summary>
internal enum BootProtocol
{
    /// <summary>ELF with a PVH note: 32-bit protected mode, ebx points to hvm_start_info.</summary>
    Pvh,

    /// <summary>bzImage: 64-bit mode, rsi points to boot_params (Linux Documentation/arch/x86/boot.rst).</summary>
    Linux64,
}

/// <summary>A kernel in guest memory.</summary>
/// <param name="Protocol">How it is entered.</param>
/// <param name="Entry">Its first instruction.</param>
/// <param name="End">The first address it does not use.</param>
/// <param name="InitrdMax">The highest address an initramfs may use.</param>
/// <param name="SetupHeader">bzImage only: the bytes from 0x1f1 that go into boot_params.</param>
internal sealed record LoadedKernel(BootProtocol Protocol, ulong Entry, ulong End, ulong InitrdMax, byte[] SetupHeader);
