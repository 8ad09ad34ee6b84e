using System.Globalization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client.Deploying;

/// <summary>Small files of this computer that travel with a deployment, and are written into its machine at each start. No change comes back.</summary>
public static class LocalFiles
{
    /// <summary>Files of a machine, and bytes of all of them, as the node takes them at most.</summary>
    public const int MaxFiles = 64, MaxBytes = 256 * 1024;

    private const int Permissions = 0x1FF;

    /// <summary>Reads a file with its mode; it is root's in the machine.</summary>
    /// <exception cref="ClientException">It has more bytes than a machine's files may have.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static MachineFile Read(string file, string path)
    {
        if (new FileInfo(file).Length > MaxBytes)
        {
            throw new ClientException(string.Create(CultureInfo.InvariantCulture,
                $"{file} is larger than {MaxBytes / 1024}KiB; put it into the image or a volume"));
        }
        int permissions = (int)File.GetUnixFileMode(file) & Permissions;
        return new MachineFile
        {
            Path = path,
            Base64 = Convert.ToBase64String(File.ReadAllBytes(file)),
            Mode = Convert.ToString(permissions, 8).PadLeft(4, '0'),
        };
    }
}
