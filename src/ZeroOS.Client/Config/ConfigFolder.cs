using System.Text.Json;

using ZeroOS.Bus.Json;

namespace ZeroOS.Client.Config;

/// <summary>A person's configuration: ZOS_CONFIG, or zeroos under XDG_CONFIG_HOME or ~/.config. Holds the key, the known nodes and the registries.</summary>
public sealed class ConfigFolder(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private string File => Path.Combine(path, "config.json");

    /// <summary>Where the key is unless --key says otherwise.</summary>
    public string KeyFile => Path.Combine(path, "key");

    /// <summary>The folder the environment names.</summary>
    public static ConfigFolder OfEnvironment()
    {
        string? own = Environment.GetEnvironmentVariable("ZOS_CONFIG");
        if (!string.IsNullOrEmpty(own))
            return new ConfigFolder(own);
        string? home = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        if (string.IsNullOrEmpty(home))
            home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config");
        return new ConfigFolder(Path.Combine(home, "zeroos"));
    }

    /// <summary>Reads config.json; what is not there is empty.</summary>
    public ClientConfig Read()
    {
        if (!System.IO.File.Exists(File))
            return new ClientConfig();
        return StrictJson.TryRead(System.IO.File.ReadAllBytes(File), ConfigJson.Default.ClientConfig, out ClientConfig? config, out JsonFault? fault)
            ? config
            : throw new ClientException($"{File} is not understood: {fault.Message}{(fault.Path is null ? "" : $" at {fault.Path}")}; mend or remove it");
    }

    /// <summary>Replaces config.json in one step.</summary>
    public void Write(ClientConfig config)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        string next = $"{File}.{Environment.ProcessId}";
        using (FileStream stream = new(next, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            JsonSerializer.Serialize(stream, config, ConfigJson.Default.ClientConfig);
            stream.Flush(flushToDisk: true);
        }
        System.IO.File.Move(next, File, overwrite: true);
    }
}
