using ZeroOS.Media.SystemImage.Media;

namespace ZeroOS.Media.Serve;

/// <summary>
/// Farm settings for computers that boot from the network and have no medium to keep them on: as an archive behind the initramfs where a boot loader takes one
/// (BIOS, iPXE), and inside the EFI file where firmware loads that alone. The folder stays as it is; what is sent differs.
/// </summary>
internal static class ServedSettings
{
    /// <summary>Puts them where each kind of computer takes them from.</summary>
    /// <param name="files">What is served.</param>
    /// <param name="folder">Where it comes from.</param>
    /// <param name="document">Verified settings.</param>
    /// <param name="efi">An EFI file that is served as it is, with the settings inside already; null to make one.</param>
    /// <exception cref="MediaException">The EFI file is signed: with something inside that the signature does not know, firmware with Secure Boot would refuse
    /// it.</exception>
    /// <exception cref="InvalidDataException">The EFI file is no image of ours.</exception>
    public static void AddTo(BootFiles files, string folder, byte[] document, string? efi)
    {
        files.Put(new BootFile(BootFiles.Settings, FarmArchive.Pack(document)));
        if (efi is not null || files.Find(BootFiles.Efi) is null)
            return;
        SealedEfi own = new(Path.Combine(folder, BootFiles.Efi), document);
        own.Make();
        files.Put(new BootFile(BootFiles.Efi, own.Read));
    }
}
