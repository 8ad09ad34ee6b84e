using Xunit;

using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Client.Config;

/// <summary>What `docker login` left behind, as it writes it, and what a credential helper answers.</summary>
public sealed class DockerCredentialsTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("docker.io", "me:secret")]
    [InlineData("registry.example:5000", "you:pass:word")]
    [InlineData("old.example", "name:word")]
    [InlineData("url.example", "a:b")]
    [InlineData("other.example", null)]
    public async Task Login_counts_for_its_registry_and_no_other(string registry, string? expected)
    {
        Write($$"""
            {
              "auths": {
                "https://index.docker.io/v1/": { "auth": "{{Base64("me:secret")}}" },
                "registry.example:5000": { "auth": "{{Base64("you:pass:word")}}" },
                "old.example": { "username": "name", "password": "word" },
                "https://url.example/v2/": { "auth": "{{Base64("a:b")}}" }
              },
              "HttpHeaders": { "User-Agent": "Docker-Client" }, "experimental": "disabled"
            }
            """);
        RegistryCredentials? found = await new DockerCredentials(_folder.Path).FindAsync(registry);
        Assert.Equal(expected, found is null ? null : $"{found.Username}:{found.Password}");
    }

    [Fact]
    public async Task Without_a_file_there_are_none() => Assert.Null(await new DockerCredentials(_folder["nothing"]).FindAsync("docker.io"));

    [Fact]
    public async Task Helper_is_asked_for_its_registry()
    {
        string name = $"zeroostest{Guid.NewGuid():N}"[..24], helper = _folder.Write($"docker-credential-{name}", """
            #!/bin/sh
            [ "$1" = get ] || exit 2
            read -r key
            case "$key" in
              known.example) echo '{"ServerURL":"known.example","Username":"u","Secret":"s"}';;
              token.example) echo '{"Username":"<token>","Secret":"s"}';;
              odd.example) echo 'who?';;
              *) echo 'credentials not found in native keychain'; exit 1;;
            esac
            """u8.ToArray());
        File.SetUnixFileMode(helper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", $"{Environment.GetEnvironmentVariable("PATH")}:{_folder.Path}");
        Write($$"""
            {
              "credsStore": "{{name}}", "credHelpers": { "none.example": "is-not-installed" },
              "auths": { "plain.example": { "auth": "{{Base64("x:y")}}" } }
            }
            """);
        DockerCredentials credentials = new(_folder.Path);
        Assert.Equal(new RegistryCredentials { Username = "u", Password = "s" }, await credentials.FindAsync("known.example"));
        Assert.Null(await credentials.FindAsync("unknown.example"));
        Assert.Equal("x", (await credentials.FindAsync("plain.example"))!.Username);
        foreach (string registry in (string[])["token.example", "odd.example", "none.example"])
            await Assert.ThrowsAsync<ClientException>(() => credentials.FindAsync(registry));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{ "auths": [] }""")]
    [InlineData("""{ "auths": { "docker.io": { "auth": "%%" } } }""")]
    [InlineData("""{ "auths": { "docker.io": { "auth": "bm9jb2xvbg==" } } }""")]
    [InlineData("""{ "auths": { "docker.io": { "identitytoken": "x" } } }""")]
    [InlineData("""{ "credsStore": "../../bin/sh" }""")]
    public async Task What_is_not_understood_is_said_and_names_the_file_or_the_helper(string config)
    {
        Write(config);
        ClientException refused = await Assert.ThrowsAsync<ClientException>(() => new DockerCredentials(_folder.Path).FindAsync("docker.io"));
        Assert.Matches("config.json|helper", refused.Message);
    }

    private void Write(string config) => _folder.Write("config.json", System.Text.Encoding.UTF8.GetBytes(config));

    private static string Base64(string text) => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(text));
}
