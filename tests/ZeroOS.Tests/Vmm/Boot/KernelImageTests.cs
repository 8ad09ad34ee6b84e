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
        byte[] code = new byte[0x11];
        code[0x10] = 0xab;
        return ElfKernel.Of(code, ElfKernel.Address + 0x10);
    }

    private LoadedKernel Load(byte[] bytes)
    {
        using FileDescriptor file = FileDescriptor.Memory("kernel");
        file.WriteAt(bytes, 0);
        return KernelImage.Load(file, _memory.Memory);
    }
}
