using System.Buffers.Binary;
using System.Globalization;

using ZeroOS.Formats.Efi;
using ZeroOS.Linux;

namespace ZeroOS.Node.Update;

/// <summary>
/// The real firmware: an entry Boot#### of our own that is in no BootOrder, and BootNext, which UEFI deletes before it starts what it names (UEFI 2.10, 3.3).
/// So whatever the trial does, the boot after it is the one from before.
/// </summary>
internal sealed class EfiFirmware(EfiVariables variables) : IFirmware
{
    /// <summary>What the entry is called in the firmware's menu; by this it is found again.</summary>
    internal const string Description = "ZeroOS trial";

    private const uint Attributes = EfiVariables.NonVolatile | EfiVariables.BootServices | EfiVariables.Runtime;
    private const string Next = "BootNext";
    private ushort? _entry;

    public void Prepare(LoadOption option) => Change("a boot entry", () =>
    {
        Dictionary<ushort, string?> entries = Entries();
        ushort number = 0;
        if (entries.Where(e => e.Value == Description).Select(e => (ushort?)e.Key).FirstOrDefault() is { } old)
            number = old;
        else
        {
            while (entries.ContainsKey(number))
                number++;
        }
        byte[] bytes = option.ToBytes();
        variables.Write(Name(number), EfiVariables.Global, Attributes, bytes);
        if (variables.Read(Name(number), EfiVariables.Global) is not { } stored || !stored.AsSpan().SequenceEqual(bytes))
            throw new UpdateException("firmware-refuses", "the firmware took a boot entry and does not give it back as it was");
        _entry = number;
    });

    public void BootOnce() => Change("the next boot", () =>
    {
        byte[] number = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(number, _entry ?? throw new InvalidOperationException("no entry is prepared"));
        variables.Write(Next, EfiVariables.Global, Attributes, number);
        if (variables.Read(Next, EfiVariables.Global) is not { } stored || !stored.AsSpan().SequenceEqual(number))
            throw new UpdateException("firmware-refuses", "the firmware does not remember what to boot next");
    });

    public void Forget()
    {
        try
        {
            using IDisposable writable = variables.Writable();
            ushort[] ours = [.. Entries().Where(e => e.Value == Description).Select(e => e.Key)];
            if (variables.Read(Next, EfiVariables.Global) is [byte low, byte high] && ours.Contains((ushort)(low | (high << 8))))
                variables.Delete(Next, EfiVariables.Global);
            foreach (ushort number in ours)
                variables.Delete(Name(number), EfiVariables.Global);
            _entry = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return;
        }
    }

    private void Change(string what, Action change)
    {
        try
        {
            using IDisposable writable = variables.Writable();
            change();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UpdateException("firmware-refuses", $"the firmware takes no variable for {what}: {e.Message}", e);
        }
    }

    /// <summary>All boot entries by number with their descriptions.</summary>
    private Dictionary<ushort, string?> Entries()
    {
        Dictionary<ushort, string?> entries = [];
        foreach (string name in variables.Names(EfiVariables.Global))
        {
            if (name.Length == 8 && name.StartsWith("Boot", StringComparison.Ordinal)
                && ushort.TryParse(name.AsSpan(4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort number))
                entries[number] = variables.Read(name, EfiVariables.Global) is { } value ? LoadOption.DescriptionOf(value) : null;
        }
        return entries;
    }

    private static string Name(ushort number) => string.Create(CultureInfo.InvariantCulture, $"Boot{number:X4}");
}
