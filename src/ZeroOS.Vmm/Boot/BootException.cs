namespace ZeroOS.Vmm.Boot;

/// <summary>The kernel, the initramfs or the memory given does not make a guest that can start. The message is a sentence.</summary>
internal sealed class BootException(string message) : Exception(message);
