using System.Buffers.Binary;

using ZeroOS.Linux;
using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Boot;

/// <summary>Puts a kernel into guest memory. The file is a tenant's: every number in it is hostile.</summary>
internal static class KernelImage
{
    private const uint ElfMagic = 0x464c457f, HdrS = 0x53726448;

    /// <summary>Loads an ELF file with a PVH entry, or a bzImage.</summary>
    /// <exception cref="BootException">Neither, damaged, or larger than the memory.</exception>
    public static LoadedKernel Load(FileDescriptor file, GuestMemory memory)
    {
        Span<byte> head = stackalloc byte[1024];
        if (file.TryReadAt(head, 0, out int n) != Errno.None || n != head.Length)
            throw new BootException("the kernel file is shorter than a kernel's header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(head) == ElfMagic)
            return ElfKernel.Load(file, head, memory);
        if (BinaryPrimitives.ReadUInt32LittleEndian(head[0x202..]) == HdrS)
            return BzImageKernel.Load(file, head, memory);
        throw new BootException("the kernel is neither an ELF file nor a bzImage");
    }
}
