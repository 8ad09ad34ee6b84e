using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Client.Config;

/// <summary>
/// Credentials as `docker login` keeps them: config.json in DOCKER_CONFIG or ~/.docker, and the credential helpers it names. They are asked for one registry at
/// a time and go nowhere else.
/// </summary>
public sealed class DockerCredentials(string folder)
{
    private const int MaxFile = 1 << 20, MaxAnswer = 64 * 1024;
    private const string HubKey = "https://index.docker.io/v1/";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Those of this person.</summary>
    public static DockerCredentials OfEnvironment() => new(Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } own
        ? own
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker"));

    /// <summary>The credentials for a registry, "host[:port]"; null when there are none.</summary>
    /// <exception cref="ClientException">The file, or what a helper says, is not understood; the message names it.</exception>
    public async Task<RegistryCredentials?> FindAsync(string registry, CancellationToken cancellation = default)
    {
        string path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            return null;
        DockerConfig config = await ReadAsync(path, cancellation);
        string key = registry == RegistryReference.DockerHub ? HubKey : registry;
        string? helper = config.CredHelpers?.GetValueOrDefault(registry) ?? config.CredHelpers?.GetValueOrDefault(key) ?? config.CredsStore;
        if (!string.IsNullOrEmpty(helper) && await AskAsync(helper, key, cancellation) is { } asked)
            return asked;
        DockerLogin? login = config.Auths?.FirstOrDefault(a => a.Key == key || HostOf(a.Key) == registry).Value;
        if (login?.IdentityToken is { Length: > 0 })
        {
            throw new ClientException($"{path} has an identity token for {registry}, which zos cannot use; log in with a user name and a password or an "
                + "access token");
        }
        if (login?.Auth is not { Length: > 0 } auth)
            return login is { Username: { Length: > 0 } name, Password: { } word } ? new RegistryCredentials { Username = name, Password = word } : null;
        byte[] bytes = new byte[auth.Length];
        string[] parts = Convert.TryFromBase64String(auth, bytes, out int length) ? Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) : [];
        return parts is [{ Length: > 0 }, _]
            ? new RegistryCredentials { Username = parts[0], Password = parts[1].TrimEnd('\0') }
            : throw new ClientException($"{path}: \"auth\" of {registry} is not the base64 of NAME:PASSWORD; log in again");
    }

    // "https://registry.example/v2/" and "registry.example" are one.
    private static string HostOf(string key) => Uri.TryCreate(key, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" ? url.Authority : key;

    private static async Task<DockerConfig> ReadAsync(string path, CancellationToken cancellation)
    {
        try
        {
            if (new FileInfo(path).Length > MaxFile)
                throw new ClientException($"{path} has more than {MaxFile} bytes");
            byte[] bytes = await File.ReadAllBytesAsync(path, cancellation);
            return JsonSerializer.Deserialize(bytes, DockerConfigJson.Default.DockerConfig) ?? new DockerConfig();
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new ClientException($"{path}, where docker login keeps credentials, is not understood: {e.Message}");
        }
    }

    // The protocol of docker-credential-helpers: the key on standard input, JSON on standard output.
    private static async Task<RegistryCredentials?> AskAsync(string helper, string key, CancellationToken cancellation)
    {
        string program = $"docker-credential-{helper}";
        if (helper.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            throw new ClientException($"\"{helper}\" is no name of a credential helper");
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(s_patience);
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, ["get"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            await process.StandardInput.WriteAsync(key.AsMemory(), deadline.Token);
            process.StandardInput.Close();
            char[] answer = new char[MaxAnswer];
            int length = await process.StandardOutput.ReadBlockAsync(answer.AsMemory(), deadline.Token);
            if (length == MaxAnswer)
                throw new ClientException($"{program} says more than {MaxAnswer} characters");
            await process.WaitForExitAsync(deadline.Token);
            if (process.ExitCode != 0)
                return null;        // helpers say so that they have none
            HelperAnswer? said = JsonSerializer.Deserialize(answer.AsSpan(0, length), DockerConfigJson.Default.HelperAnswer);
            if (said is not { Username: { Length: > 0 } name, Secret: { } secret })
                return null;
            return name == "<token>"
                ? throw new ClientException($"{program} has an identity token for {key}, which zos cannot use; log in with a user name and a password")
                : new RegistryCredentials { Username = name, Password = secret };
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ClientException($"{program}, which the docker configuration names, cannot be started: {e.Message}");
        }
        catch (IOException e)
        {
            throw new ClientException($"{program} ended before it was asked: {e.Message}");
        }
        catch (JsonException e)
        {
            throw new ClientException($"{program} does not answer in JSON: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new ClientException($"{program} did not answer within {s_patience.TotalSeconds:F0} seconds");
        }
        finally
        {
            if (process is { HasExited: false })
                process.Kill(entireProcessTree: true);
            process?.Dispose();
        }
    }
}

/// <summary>Of Docker's config.json what is about credentials.</summary>
internal sealed record DockerConfig
{
    public IReadOnlyDictionary<string, DockerLogin>? Auths { get; init; }

    public IReadOnlyDictionary<string, string>? CredHelpers { get; init; }

    public string? CredsStore { get; init; }
}

/// <summary>One login in it.</summary>
internal sealed record DockerLogin
{
    public string? Auth { get; init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    [JsonPropertyName("identitytoken")]
    public string? IdentityToken { get; init; }
}

/// <summary>What a credential helper says.</summary>
internal sealed record HelperAnswer
{
    [JsonPropertyName("Username")]
    public string? Username { get; init; }

    [JsonPropertyName("Secret")]
    public string? Secret { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 16)]
[JsonSerializable(typeof(DockerConfig))]
[JsonSerializable(typeof(HelperAnswer))]
internal sealed partial class DockerConfigJson : JsonSerializerContext;
