using System.Buffers.Binary;
using System.Text;

using ZeroOS.Linux;
using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Boot;

/// <summary>What a kernel is told when it starts: command line, initramfs, memory map, where ACPI is.</summary>
internal static class BootData
{
    private const uint Ram = 1, Reserved = 2;

    /// <summary>Writes it all for the kernel's protocol.</summary>
    /// <exception cref="BootException">Too long, or too large for the memory.</exception>
    public static void Write(GuestMemory memory, LoadedKernel kernel, string commandLine, FileDescriptor initrd, ulong rsdp)
    {
        byte[] line = Encoding.UTF8.GetBytes(commandLine + '\0');
        if (line.Length > Layout.CommandLineMax + 1)
            throw new BootException($"the command line has {line.Length - 1} bytes, more than {Layout.CommandLineMax}");
        memory.Place(Layout.CommandLine, line, "the command line");

        ulong initrdSize = (ulong)initrd.Length;
        ulong top = Math.Min(kernel.InitrdMax, memory.LowSize);
        if (initrdSize > top || ((top - initrdSize) & ~0xfffUL) < kernel.End)
            throw new BootException($"the initramfs ({initrdSize} bytes) does not fit beside the kernel");
        ulong initrdAddress = (top - initrdSize) & ~0xfffUL;
        memory.PlaceFile(initrdAddress, initrd, 0, initrdSize, "the initramfs");

        (ulong Start, ulong Size, uint Type)[] map = Map(memory);
        if (kernel.Protocol == BootProtocol.Pvh)
            WriteStartInfo(memory, map, initrdAddress, initrdSize, rsdp);
        else
            WriteZeroPage(memory, kernel, map, line.Length - 1, initrdAddress, initrdSize, rsdp);
    }

    private static (ulong Start, ulong Size, uint Type)[] Map(GuestMemory memory)
    {
        var map = new List<(ulong, ulong, uint)>
        {
            (0, Layout.ReservedLow, Ram),
            (Layout.ReservedLow, Layout.HighMemory - Layout.ReservedLow, Reserved),
            (Layout.HighMemory, memory.LowSize - Layout.HighMemory, Ram),
            (Layout.Ecam, Layout.EcamSize, Reserved),
        };
        if (memory.HighSize > 0)
            map.Add((Layout.FourGiB, memory.HighSize, Ram));
        return [.. map];
    }

    // hvm_start_info version 1, its module and memory map entries (Xen public/arch-x86/hvm/start_info.h).
    private static void WriteStartInfo(GuestMemory memory, (ulong Start, ulong Size, uint Type)[] map, ulong initrd, ulong initrdSize, ulong rsdp)
    {
        Span<byte> info = stackalloc byte[56];
        info.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(info, 0x336ec578);
        BinaryPrimitives.WriteUInt32LittleEndian(info[4..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(info[12..], initrdSize > 0 ? 1u : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(info[16..], initrdSize > 0 ? Layout.ModuleList : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(info[24..], Layout.CommandLine);
        BinaryPrimitives.WriteUInt64LittleEndian(info[32..], rsdp);
        BinaryPrimitives.WriteUInt64LittleEndian(info[40..], Layout.MemoryMap);
        BinaryPrimitives.WriteUInt32LittleEndian(info[48..], (uint)map.Length);
        memory.Place(Layout.StartInfo, info, "the start information");

        Span<byte> module = stackalloc byte[32];
        module.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(module, initrd);
        BinaryPrimitives.WriteUInt64LittleEndian(module[8..], initrdSize);
        memory.Place(Layout.ModuleList, module, "the module list");

        byte[] entries = new byte[24 * map.Length];
        for (int i = 0; i < map.Length; i++)
        {
            Span<byte> e = entries.AsSpan(24 * i);
            BinaryPrimitives.WriteUInt64LittleEndian(e, map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(e[8..], map[i].Size);
            BinaryPrimitives.WriteUInt32LittleEndian(e[16..], map[i].Type);
        }
        memory.Place(Layout.MemoryMap, entries, "the memory map");
    }

    // boot_params (Linux Documentation/arch/x86/zero-page.rst) and the 64-bit entry's page tables.
    private static void WriteZeroPage(
        GuestMemory memory, LoadedKernel kernel, (ulong Start, ulong Size, uint Type)[] map, int lineLength, ulong initrd, ulong initrdSize, ulong rsdp)
    {
        byte[] page = new byte[4096];
        kernel.SetupHeader.CopyTo(page.AsSpan(0x1f1));
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(0x70), rsdp);
        page[0x1e8] = (byte)map.Length;
        page[0x210] = 0xff;
        page[0x211] |= 1;
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x218), (uint)initrd);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x21c), (uint)initrdSize);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x228), (uint)Layout.CommandLine);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(0x238), (uint)lineLength);
        for (int i = 0; i < map.Length; i++)
        {
            Span<byte> e = page.AsSpan(0x2d0 + (20 * i));
            BinaryPrimitives.WriteUInt64LittleEndian(e, map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(e[8..], map[i].Size);
            BinaryPrimitives.WriteUInt32LittleEndian(e[16..], map[i].Type);
        }
        memory.Place(Layout.ZeroPage, page, "the boot parameters");

        byte[] tables = new byte[3 * 4096];
        BinaryPrimitives.WriteUInt64LittleEndian(tables, Layout.Pdpt | 3);
        BinaryPrimitives.WriteUInt64LittleEndian(tables.AsSpan(4096), Layout.PageDirectory | 3);
        for (ulong i = 0; i < 512; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(tables.AsSpan((int)(8192 + (8 * i))), (i << 21) | 0x83);
        memory.Place(Layout.Pml4, tables, "the page tables");
    }
}
