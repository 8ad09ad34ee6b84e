using System.Buffers.Binary;

using ZeroOS.Linux;
using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Boot;

/// <summary>A distribution's bzImage, entered in 64-bit mode 0x200 bytes into its protected part (Linux Documentation/arch/x86/boot.rst).</summary>
internal static class BzImageKernel
{
    private const int HeaderStart = 0x1f1;

    /// <summary>Loads the protected part at its preferred address, or at its alignment where that does not fit.</summary>
    /// <exception cref="BootException">Too old, without a 64-bit entry, or larger than the memory.</exception>
    public static LoadedKernel Load(FileDescriptor file, ReadOnlySpan<byte> head, GuestMemory memory)
    {
        int version = BinaryPrimitives.ReadUInt16LittleEndian(head[0x206..]);
        if (version < 0x20c || (BinaryPrimitives.ReadUInt16LittleEndian(head[0x236..]) & 1) == 0)
            throw new BootException("the bzImage has no 64-bit entry (boot protocol 2.12)");
        int setupSectors = head[HeaderStart] == 0 ? 4 : head[HeaderStart];
        long offset = (setupSectors + 1) * 512L;
        long length = file.Length - offset;
        uint initSize = BinaryPrimitives.ReadUInt32LittleEndian(head[0x260..]), alignment = BinaryPrimitives.ReadUInt32LittleEndian(head[0x230..]);
        ulong preferred = BinaryPrimitives.ReadUInt64LittleEndian(head[0x258..]);
        ulong need = Math.Max(initSize, (ulong)Math.Max(length, 0));
        if (length < 0x400 || need > memory.LowSize)
            throw new BootException("the bzImage is shorter than its header says, or larger than the guest's memory");
        ulong address = Fits(preferred, need, memory) ? preferred : alignment;
        if (!Fits(address, need, memory))
            throw new BootException("the bzImage does not fit into the guest's memory");
        memory.PlaceFile(address, file, offset, (ulong)length, "the kernel");
        int headerEnd = 0x202 + head[0x201];
        ulong initrdMax = Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(head[0x22c..]) + 1UL, memory.LowSize);
        return new LoadedKernel(BootProtocol.Linux64, address + 0x200, address + need, initrdMax, head[HeaderStart..Math.Min(headerEnd, 0x290)].ToArray());
    }

    private static bool Fits(ulong address, ulong need, GuestMemory memory)
    {
        // The boot page tables map the first gigabyte.
        ulong limit = Math.Min(memory.LowSize, 1UL << 30);
        return address >= Layout.HighMemory && address < limit && need <= limit - address;
    }
}
