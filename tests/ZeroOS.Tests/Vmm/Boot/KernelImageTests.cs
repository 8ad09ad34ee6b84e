using System.Buffers.Binary;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Boot;

namespace ZeroOS.Tests.Vmm.Boot;

public class KernelImageTests
{
    private readonly PlayedDriver _memory = new(4 << 20);

    [Fact]
    public void An_ELF_kernel_is_placed_and_entered_where_its_note_says()
    {
        LoadedKernel kernel = Load(Elf());
        Assert.Equal((BootProtocol.Pvh, 0x100010UL), (kernel.Protocol, kernel.Entry));
        Assert.Equal(0xab, _memory.Bytes[0x100010]);
    }

    [Fact]
    public void Ten_thousand_damaged_kernels_are_refused_or_loaded_and_nothing_else_happens()
    {
        Random random = new(7);
        byte[] good = Elf();
        using FileDescriptor file = FileDescriptor.Memory("kernel");
        int refused = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bad = (byte[])good.Clone();
            for (int k = random.Next(1, 6); k > 0; k--)
                bad[random.Next(0, 0x180)] = (byte)random.Next(256);
            file.SetLength(random.Next(10) == 0 ? random.Next(bad.Length) : bad.Length);
            file.WriteAt(bad.AsSpan(0, (int)file.Length), 0);
            try
            {
                Assert.InRange(KernelImage.Load(file, _memory.Memory).Entry, 0x100000UL, (ulong)_memory.Bytes.Length);
            }
            catch (BootException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 1000, 10_000);
    }

    private static byte[] Elf()
    {
        byte[] elf = new byte[0x1000];
        Span<byte> s = elf;
        BinaryPrimitives.WriteUInt32LittleEndian(s, 0x464c457f);
        (s[4], s[5]) = (2, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(s[18..], 62);
        BinaryPrimitives.WriteUInt64LittleEndian(s[32..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(s[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(s[56..], 2);
        Segment(s[64..], 1, 0x800, 0x100000, 0x100, 0x400);
        Segment(s[120..], 4, 0x140, 0, 20, 20);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x140..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x144..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x148..], 18);
        "Xen\0"u8.CopyTo(s[0x14c..]);
        BinaryPrimitives.WriteUInt32LittleEndian(s[0x150..], 0x100010);
        s[0x810] = 0xab;
        return elf;
    }

    private static void Segment(Span<byte> s, uint type, ulong offset, ulong address, ulong inFile, ulong inMemory)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(s, type);
        BinaryPrimitives.WriteUInt64LittleEndian(s[8..], offset);
        BinaryPrimitives.WriteUInt64LittleEndian(s[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(s[32..], inFile);
        BinaryPrimitives.WriteUInt64LittleEndian(s[40..], inMemory);
    }

    private LoadedKernel Load(byte[] bytes)
    {
        using FileDescriptor file = FileDescriptor.Memory("kernel");
        file.WriteAt(bytes, 0);
        return KernelImage.Load(file, _memory.Memory);
    }
}
