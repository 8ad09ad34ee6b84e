using ZeroOS.Flist;
using ZeroOS.Formats.Efi;

namespace ZeroOS.Node.Update;

/// <summary>The EFI system partition this computer was booted from, with its two slots.</summary>
internal interface IBootMedium : IDisposable
{
    /// <summary>The boot entry that starts the slot for trials.</summary>
    LoadOption TrialEntry { get; }

    /// <summary>Ends what a power cut left in the middle; then checks that there is room for an EFI file of so many bytes. Writes nothing else.</summary>
    /// <exception cref="UpdateException">no-room, boot-medium.</exception>
    void Check(long efiBytes);

    /// <summary>
    /// Puts a version into the slot for trials, with the farm settings beside it and the signed manifest, reads everything back and compares.
    /// </summary>
    /// <exception cref="UpdateException">boot-medium.</exception>
    void Stage(ReadOnlyMemory<byte> efi, ReadOnlyMemory<byte> settings, ReadOnlyMemory<byte> manifest);

    /// <summary>The manifest of what is in the slot for trials; null when there is none.</summary>
    byte[]? Manifest();

    /// <summary>
    /// The EFI file of that digest, which is on trial, is what the firmware starts from now on; what was kept before lies in the slot for trials. Done already,
    /// it changes nothing.
    /// </summary>
    /// <exception cref="UpdateException">boot-medium.</exception>
    void Keep(Sha256Digest efi);
}
