using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

using ZeroOS.Media.Serve.Dhcp;
using ZeroOS.Media.SystemImage.Media;

namespace ZeroOS.Media.Serve;

/// <summary>
/// Everything that computers may load, by name, and which of it each kind of computer is sent to. Nothing else exists: a name that is asked for is looked up
/// here and never becomes a path.
/// </summary>
internal sealed class BootFiles
{
    /// <summary>The whole system in one EFI file.</summary>
    public const string Efi = MediaFiles.Efi;

    /// <summary>What iPXE does.</summary>
    public const string Script = "zeroos.ipxe";

    /// <summary>The farm's settings as an archive that a boot loader puts behind the initramfs.</summary>
    public const string Settings = MediaFiles.FarmArchive;

    /// <summary>What PXELINUX does.</summary>
    public const string PxelinuxConfiguration = "pxelinux.cfg/default";

    private const int MaxFiles = 256;

    /// <summary>
    /// What a BIOS card loads: PXELINUX, as "make image" puts it there, which loads the rest by TFTP; or iPXE, for who puts that there instead.
    /// </summary>
    private static readonly string[] s_biosLoaders = ["pxelinux.0", "undionly.kpxe"];

    private readonly Dictionary<string, BootFile> _table = new(StringComparer.Ordinal);

    private BootFiles()
    {
    }

    /// <summary>What BIOS cards load, or null.</summary>
    public string? BiosLoader => s_biosLoaders.FirstOrDefault(_table.ContainsKey);

    /// <summary>The names, in order.</summary>
    public IEnumerable<string> Names => _table.Keys.Order(StringComparer.Ordinal);

    /// <summary>The files of a folder and its folders, as "make image" writes netboot/.</summary>
    /// <exception cref="MediaException">There is no such folder, or nothing in it that boots.</exception>
    public static BootFiles OfFolder(string folder)
    {
        if (!Directory.Exists(folder))
            throw new MediaException(
                $"{folder} is not there; \"make image\" writes the files for booting from the network into out/netboot, say where they are with --image DIR");
        BootFiles files = new();
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (files._table.Count == MaxFiles)
                throw new MediaException($"{folder} holds more than {MaxFiles} files; it is not a folder of files to boot, say which is with --image DIR");
            files.Put(new BootFile(Path.GetRelativePath(folder, path), path));
        }
        if (files.Find(Efi) is null && files.BiosLoader is null)
            throw new MediaException(
                $"{folder} holds neither {Efi} nor {string.Join(" nor ", s_biosLoaders)}; \"make image\" writes such a folder as out/netboot");
        return files;
    }

    /// <summary>Adds a file, or replaces the one of that name.</summary>
    public void Put(BootFile file) => _table[file.Name] = file;

    /// <summary>The file of that name, with or without a slash before it.</summary>
    public BootFile? Find(string name) => _table.GetValueOrDefault(name.StartsWith('/') ? name[1..] : name);

    /// <summary>What a computer of that kind is sent to: a name for TFTP, or a URL; null when there is nothing for it.</summary>
    public string? For(ClientKind kind, IPAddress self, int httpPort) => kind switch
    {
        ClientKind.BiosPxe => BiosLoader,
        ClientKind.UefiPxe => Named(Efi),
        ClientKind.UefiHttp => Url(Named(Efi), self, httpPort),
        ClientKind.Ipxe => Url(Named(Script), self, httpPort) ?? BiosLoader, // it is a BIOS card's PXE too
        ClientKind.IpxeUefi => Url(Named(Script) ?? Named(Efi), self, httpPort),
        _ => null,
    };

    private string? Named(string name) => _table.ContainsKey(name) ? name : null;

    [return: NotNullIfNotNull(nameof(name))]
    private static string? Url(string? name, IPAddress self, int port) =>
        name is null ? null : $"http://{self}{(port == 80 ? "" : string.Create(CultureInfo.InvariantCulture, $":{port}"))}/{name}";
}
