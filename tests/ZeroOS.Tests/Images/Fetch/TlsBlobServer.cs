using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ZeroOS.Tests.Images.Fetch;

/// <summary>
/// A registry behind TLS that answers every request with the range of one blob that it asks for; its certificate is for localhost, by an authority of its own.
/// </summary>
internal sealed class TlsBlobServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly byte[] _blob;

    public TlsBlobServer(byte[] blob)
    {
        _blob = blob;
        using ECDsa authority = ECDsa.Create(ECCurve.NamedCurves.nistP256), key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest root = new("CN=authority of a test", authority, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        DateTimeOffset from = DateTimeOffset.UtcNow.AddDays(-1);
        using X509Certificate2 issuer = root.CreateSelfSigned(from, from.AddDays(9));
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 issued = request.Create(issuer, from, from.AddDays(8), [1, 2, 3]);
        using X509Certificate2 whole = issued.CopyWithPrivateKey(key);
        _certificate = X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
        Authority = issuer.ExportCertificatePem();
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Whom to trust, PEM.</summary>
    public string Authority { get; }

    public string Url => $"https://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}/";

    public void Dispose()
    {
        _listener.Dispose();
        _certificate.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the end of the test
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using TcpClient one = client;
            using SslStream tls = new(client.GetStream());
            await tls.AuthenticateAsServerAsync(_certificate);
            using StreamReader reader = new(tls, Encoding.ASCII);
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
                (int from, int to) = (0, _blob.Length - 1);
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                {
                    if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase)
                        && line["Range: bytes=".Length..].Split('-') is [string first, string last])
                        (from, to) = (int.Parse(first, CultureInfo.InvariantCulture), int.Parse(last, CultureInfo.InvariantCulture));
                }
                await tls.WriteAsync(Encoding.ASCII.GetBytes(
                    $"HTTP/1.1 206 Partial\r\nContent-Length: {to - from + 1}\r\nContent-Range: bytes {from}-{to}/{_blob.Length}\r\n\r\n"));
                await tls.WriteAsync(_blob.AsMemory(from, to - from + 1));
                await tls.FlushAsync();
            }
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException or ObjectDisposedException)
        {
            // the client does not trust it, or has gone
        }
    }
}
