using System.Buffers.Binary;
using System.Text;

using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Boot;

/// <summary>
/// The ACPI a hardware-reduced machine needs (ACPI 6.5, 4.1 and 5.2): processors and IOAPIC, ECAM, one PCI root, the 16550, the power button
/// through a generic event device, sleep and reset registers. Small, because the guest kernel pays for every byte of it.
/// </summary>
internal static class AcpiTables
{
    private const byte IoSpace = 1;

    /// <summary>Writes the tables and returns the address of the root pointer.</summary>
    public static ulong Write(GuestMemory memory, int cpus)
    {
        ulong next = Layout.Acpi + 64;
        ulong dsdt = Place(memory, ref next, Dsdt());
        ulong fadt = Place(memory, ref next, Fadt(dsdt));
        ulong madt = Place(memory, ref next, Madt(cpus));
        ulong mcfg = Place(memory, ref next, Mcfg());
        byte[] pointers = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(pointers, fadt);
        BinaryPrimitives.WriteUInt64LittleEndian(pointers.AsSpan(8), madt);
        BinaryPrimitives.WriteUInt64LittleEndian(pointers.AsSpan(16), mcfg);
        ulong xsdt = Place(memory, ref next, Table("XSDT", 1, pointers));

        byte[] root = new byte[36];
        "RSD PTR "u8.CopyTo(root);
        "ZEROOS"u8.CopyTo(root.AsSpan(9));
        root[15] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(root.AsSpan(20), 36);
        BinaryPrimitives.WriteUInt64LittleEndian(root.AsSpan(24), xsdt);
        root[8] = Checksum(root.AsSpan(0, 20));
        root[32] = Checksum(root);
        memory.Place(Layout.Acpi, root, "the ACPI root");
        return Layout.Acpi;
    }

    /// <summary>The namespace: what is not found by other tables or by PCI.</summary>
    public static byte[] Dsdt() => Table("DSDT", 2,
    [
        .. Aml.Scope("_SB_",
            Aml.Device("PCI0",
                Aml.Name("_HID", Aml.EisaId("PNP0A08")), Aml.Name("_CID", Aml.EisaId("PNP0A03")), Aml.Name("_UID", Aml.Integer(0)),
                Aml.Name("_SEG", Aml.Integer(0)), Aml.Name("_BBN", Aml.Integer(0)),
                Aml.Name("_CRS", Aml.Resources(Aml.Buses(0, 0), Aml.Window((uint)Layout.MmioStart, (uint)Layout.PciMemorySize)))),
            // Linux uses ECAM only if a motherboard resource claims it.
            Aml.Device("ECAM",
                Aml.Name("_HID", Aml.EisaId("PNP0C02")), Aml.Name("_UID", Aml.Integer(0)),
                Aml.Name("_CRS", Aml.Resources(Aml.FixedMemory((uint)Layout.Ecam, (uint)Layout.EcamSize)))),
            Aml.Device("COM1",
                Aml.Name("_HID", Aml.EisaId("PNP0501")), Aml.Name("_UID", Aml.Integer(0)),
                Aml.Name("_CRS", Aml.Resources(Aml.Ports(Layout.Serial, 8), Aml.EdgeInterrupt(Layout.SerialInterrupt)))),
            Aml.Device("PWRB", Aml.Name("_HID", Aml.EisaId("PNP0C0C")), Aml.Name("_UID", Aml.Integer(0))),
            Aml.Device("GED_",
                Aml.Name("_HID", Aml.Text("ACPI0013")), Aml.Name("_UID", Aml.Integer(0)),
                Aml.Name("_CRS", Aml.Resources(Aml.EdgeInterrupt(Layout.EventInterrupt))),
                Aml.Method("_EVT", 1, Aml.Notify("PWRB", 0x80)))),
        .. Aml.Name("_S5_", Aml.Values(Aml.Integer(5), Aml.Integer(0), Aml.Integer(0), Aml.Integer(0))),
    ]);

    /// <summary>Fixed description: hardware-reduced, with a reset register.</summary>
    public static byte[] Fadt(ulong dsdt)
    {
        const ushort NoVga = 1 << 2, NoCmosClock = 1 << 5;
        const uint PowerButtonInNamespace = 1 << 4, SleepButtonInNamespace = 1 << 5, HasResetRegister = 1 << 10, HardwareReduced = 1 << 20;
        byte[] body = new byte[276 - 36];
        Span<byte> at(int offset) => body.AsSpan(offset - 36);
        BinaryPrimitives.WriteUInt32LittleEndian(at(40), (uint)dsdt);
        BinaryPrimitives.WriteUInt16LittleEndian(at(109), NoVga | NoCmosClock);
        BinaryPrimitives.WriteUInt32LittleEndian(at(112), PowerButtonInNamespace | SleepButtonInNamespace | HasResetRegister | HardwareReduced);
        Register(at(116), Layout.ResetRegister);
        at(128)[0] = Devices.Power.PowerRegisters.ResetValue;
        at(131)[0] = 5;
        BinaryPrimitives.WriteUInt64LittleEndian(at(140), dsdt);
        Register(at(244), Layout.SleepControl);
        Register(at(256), Layout.SleepStatus);
        "ZEROOSVM"u8.CopyTo(at(268));
        return Table("FACP", 6, body);
    }

    /// <summary>Interrupt controllers.</summary>
    public static byte[] Madt(int cpus)
    {
        var body = new List<byte>();
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, (uint)Layout.LocalApic);
        body.AddRange(word);
        body.AddRange([0, 0, 0, 0]);
        for (int i = 0; i < cpus; i++)
            body.AddRange([0, 8, (byte)i, (byte)i, 1, 0, 0, 0]);
        BinaryPrimitives.WriteUInt32LittleEndian(word, (uint)Layout.IoApic);
        body.AddRange([1, 12, 0, 0]);
        body.AddRange(word);
        body.AddRange([0, 0, 0, 0]);
        body.AddRange([4, 6, 0xff, 0, 0, 1]);
        return Table("APIC", 5, [.. body]);
    }

    /// <summary>Where PCI configuration space is: segment 0, bus 0.</summary>
    public static byte[] Mcfg()
    {
        byte[] body = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(8), Layout.Ecam);
        return Table("MCFG", 1, body);
    }

    private static byte[] Table(string signature, byte revision, byte[] body)
    {
        byte[] table = new byte[36 + body.Length];
        Encoding.ASCII.GetBytes(signature).CopyTo(table, 0);
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(4), table.Length);
        table[8] = revision;
        "ZEROOSZVMM    "u8.CopyTo(table.AsSpan(10));
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(24), 1);
        "ZVMM"u8.CopyTo(table.AsSpan(28));
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(32), 1);
        body.CopyTo(table, 36);
        table[9] = Checksum(table);
        return table;
    }

    private static void Register(Span<byte> gas, ushort port)
    {
        gas[0] = IoSpace;
        gas[1] = 8;
        gas[3] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(gas[4..], port);
    }

    private static ulong Place(GuestMemory memory, ref ulong next, byte[] table)
    {
        ulong at = next;
        memory.Place(at, table, "an ACPI table");
        next = (at + (ulong)table.Length + 15) & ~15UL;
        return at;
    }

    private static byte Checksum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte b in bytes)
            sum += b;
        return (byte)-sum;
    }
}
