using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Nodes;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Http;

/// <summary>One request and its answer.</summary>
/// <param name="http">Both, as Kestrel has them.</param>
/// <param name="path">The path without its version.</param>
/// <param name="values">What the pattern of the path left open.</param>
internal sealed class DockerCall(HttpContext http, DockerPath path, IReadOnlyList<string> values)
{
    /// <summary>Bytes of a body of JSON at most.</summary>
    public const int MaxBodyBytes = 1 << 20;

    private const string Json = "application/json";

    /// <summary>What stands behind the question mark.</summary>
    public DockerQuery Query { get; } = new(http.Request.QueryString.Value);

    /// <summary>Minor version of the API that the client speaks.</summary>
    public int Minor => path.Minor;

    /// <summary>The first name in the path.</summary>
    public string Name => values[0];

    /// <summary>Ends when the client hangs up.</summary>
    public CancellationToken Cancellation => http.RequestAborted;

    /// <summary>The body without the compression of gzip, if it has that; what is broken in it is an InvalidDataException of whoever reads.</summary>
    public async Task<Stream> PlainBodyAsync()
    {
        PipeReader body = PipeReader.Create(http.Request.Body);
        ReadResult begins = await body.ReadAtLeastAsync(2, Cancellation);
        bool isCompressed = begins.Buffer.Slice(0, Math.Min(2, begins.Buffer.Length)).ToArray() is [0x1F, 0x8B];
        body.AdvanceTo(begins.Buffer.Start);
        return isCompressed ? new GZipStream(body.AsStream(), CompressionMode.Decompress) : body.AsStream();
    }

    /// <summary>A header of the request; empty if it is absent.</summary>
    public string Header(string name) => http.Request.Headers[name].ToString();

    /// <summary>Sets a header of the answer.</summary>
    public void SetHeader(string name, string value) => http.Response.Headers[name] = value;

    /// <summary>The body, a JSON object; an empty one is an empty object.</summary>
    /// <exception cref="DockerFault">It is too long.</exception>
    public async Task<JsonObject> ReadAsync()
    {
        using MemoryStream body = new();
        byte[] buffer = new byte[16 << 10];
        while (await http.Request.Body.ReadAsync(buffer, Cancellation) is > 0 and int count)
        {
            body.Write(buffer, 0, count);
            if (body.Length > MaxBodyBytes)
                throw new DockerFault(413, $"a body of JSON has at most {MaxBodyBytes} bytes");
        }
        return Words.Parse(body.GetBuffer().AsSpan(0, (int)body.Length));
    }

    /// <summary>Answers with JSON.</summary>
    public Task AnswerAsync(JsonNode answer, int status = 200)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = Json;
        return http.Response.Body.WriteAsync(Words.Bytes(answer), Cancellation).AsTask();
    }

    /// <summary>Answers with a status and nothing else.</summary>
    public Task AnswerAsync(int status)
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    /// <summary>Answers with text, which a HEAD does not get.</summary>
    public Task AnswerAsync(string text)
    {
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.ContentLength = text.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask
            : http.Response.Body.WriteAsync(Encoding.ASCII.GetBytes(text), Cancellation).AsTask();
    }

    /// <summary>Sends the head of an answer whose body comes later, at once; whoever waits for the head goes on.</summary>
    public async Task<Stream> BeginAsync(string contentType = Json)
    {
        http.Response.ContentType = contentType;
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await http.Response.StartAsync(Cancellation);
        await http.Response.Body.FlushAsync(Cancellation);
        return http.Response.Body;
    }

    /// <summary>Whether the head of the answer is out, so that no other can be sent.</summary>
    public bool HasBegun => http.Response.HasStarted;
}
