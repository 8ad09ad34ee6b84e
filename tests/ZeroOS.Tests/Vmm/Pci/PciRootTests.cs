using ZeroOS.Linux;
using ZeroOS.Vmm.Pci;

namespace ZeroOS.Tests.Vmm.Pci;

/// <summary>What a guest reads from the image without an exit is what an exit would have answered.</summary>
public sealed unsafe class PciRootTests
{
    private const int Slots = 3, Accesses = 10_000;

    [Fact]
    public void Image_equals_answers_after_any_writes()
    {
        using MemoryMapping image = MemoryMapping.Anonymous(Slots * PciRoot.SlotBytes);
        PciRoot root = new(image);
        for (uint i = 0; i < 2; i++)
        {
            TestFunction function = new();
            function.AssignBar(0xc0000000 + (i * 0x4000), 0x4000);
            root.Add(function);
        }
        Random random = new(20261122);
        byte[] data = new byte[8];
        for (int i = 0; i < Accesses; i++)
        {
            int size = 1 << random.Next(4);
            random.NextBytes(data);
            root.Write((ulong)((random.Next(Slots) * PciRoot.SlotBytes) + random.Next(0x200)), data.AsSpan(0, size));
        }
        Span<byte> answer = stackalloc byte[4];
        for (int at = 0; at < image.Size; at += 4)
        {
            // The bus fills with ones before it asks.
            answer.Fill(0xff);
            root.Read((ulong)at, answer);
            Assert.True(answer.SequenceEqual(new ReadOnlySpan<byte>(image.Pointer + at, 4)), $"0x{at:x}");
        }
    }

    [Fact]
    public void Sizing_a_bar_is_seen_in_the_image()
    {
        using MemoryMapping image = MemoryMapping.Anonymous(PciRoot.SlotBytes);
        PciRoot root = new(image);
        TestFunction function = new();
        function.AssignBar(0xc0000000, 0x4000);
        root.Add(function);
        Assert.Equal(0xc0000000, *(uint*)(image.Pointer + 0x10));
        root.Write(0x10, [0xff, 0xff, 0xff, 0xff]);
        Assert.Equal(0xffffc000, *(uint*)(image.Pointer + 0x10));
    }

    [Fact]
    public void Slots_beyond_the_image_are_answered()
    {
        using MemoryMapping image = MemoryMapping.Anonymous(PciRoot.SlotBytes);
        PciRoot root = new(image);
        root.Add(new TestFunction());
        root.Add(new TestFunction());
        Span<byte> vendor = stackalloc byte[2];
        root.Read(PciRoot.SlotBytes, vendor);
        Assert.Equal([0xf4, 0x1a], vendor.ToArray());
    }

    private sealed class TestFunction : PciFunction
    {
        internal TestFunction() : base(0x1af4, 0x1042, 0x018000, 1, 0x42) => AddMsix(3, 0x2000, 0x3000);

        protected override void OnMsixControl(bool enabled, bool masked)
        {
        }
    }
}
